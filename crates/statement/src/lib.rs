//! Statement analysis: text to verbs, objects, columns and how each is used.
