//! FHIRPath: parser, types, compiled evaluation over the node index.
