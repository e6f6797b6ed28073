//! Array values in text form, as far as the catalog queries need them.
