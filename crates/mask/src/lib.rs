//! Maskers over values: what a labelled value becomes for a principal who may not see it raw.
