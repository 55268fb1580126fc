//! The validator: compiled checks over the node index; terminology; packages.
