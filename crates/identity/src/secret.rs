//! A value that must not be seen: no `Debug`, no `Display`, no `Serialize`, wiped on drop.

use zeroize::Zeroize;

/// Holds a secret and wipes it when dropped. Reading it takes an explicit [`Secret::expose`], so
/// each place that does is found by searching for that word.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes a secret into custody.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The secret itself.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
