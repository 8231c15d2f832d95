//! Tests that are about more than one file of the module.

use crate::script;

mod holds;
mod kinds;
mod locks;
mod properties;
