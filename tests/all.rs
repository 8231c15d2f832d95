//! One test binary: every further one would link the SQL grammar again.
mod support;
