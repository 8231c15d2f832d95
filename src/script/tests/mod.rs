//! Tests that are about more than one file of the module.

mod kinds;
mod locks;
mod properties;
