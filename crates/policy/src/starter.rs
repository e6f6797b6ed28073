//! The policies a new installation begins with: text for its user to edit.

/// (file name, Cedar text), in the order to read them.
pub(crate) const FILES: &[(&str, &str)] = &[
    (
        "10-groups.cedar",
        include_str!("../starter/10-groups.cedar"),
    ),
    (
        "20-production.cedar",
        include_str!("../starter/20-production.cedar"),
    ),
    (
        "30-agents.cedar",
        include_str!("../starter/30-agents.cedar"),
    ),
    (
        "40-masking.cedar",
        include_str!("../starter/40-masking.cedar"),
    ),
    (
        "50-dangerous-functions.cedar",
        include_str!("../starter/50-dangerous-functions.cedar"),
    ),
];
