//! From rows of text to a catalog.

use super::layer::Layer;
use super::{Catalog, Error};

/// Collects the rows of [`super::LOAD`] or [`super::LOAD_TEMP`], in any order.
#[derive(Debug, Default)]
pub struct Builder {
    layer: Layer,
}

impl Builder {
    /// Without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one row of a section.
    ///
    /// # Errors
    /// The row does not have the section's form, or the catalog exceeds its limits.
    pub fn row(&mut self, section: &str, _columns: &[Option<&str>]) -> Result<(), Error> {
        Err(Error::UnknownSection(section.to_owned()))
    }

    /// The catalog, loaded under this fingerprint.
    pub fn finish(self, fingerprint: String) -> Catalog {
        Catalog::from_layer(fingerprint, self.layer())
    }

    pub(super) fn layer(self) -> Layer {
        self.layer
    }
}
