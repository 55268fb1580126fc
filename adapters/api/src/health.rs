//! How a back end is.

/// The state of a back end, with what an operator should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Up,
    /// It works, but something needs attention.
    Degraded(String),
    /// It does not work.
    Down(String),
}

impl Health {
    /// `up`, `degraded` or `down`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded(_) => "degraded",
            Self::Down(_) => "down",
        }
    }
}
