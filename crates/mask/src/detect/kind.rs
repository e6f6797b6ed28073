//! What can be found: kinds, and what each means for people.

use crate::Label;

/// What a finding means for the people in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Names one person: an address of mail, an identity number.
    Identifier,
    /// Names a person together with others of its like: birth date, postal code.
    QuasiIdentifier,
    /// Says something about a person that they may want kept: health, income.
    Sensitive,
    /// Opens something: passwords, keys.
    Secret,
    /// Nothing of these.
    None,
}

impl Class {
    /// The class in one word, as it is written for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::QuasiIdentifier => "quasi-identifier",
            Self::Sensitive => "sensitive",
            Self::Secret => "secret",
            Self::None => "none",
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident $word:literal $class:ident $sensitive:literal $plain:literal;)*) => {
        /// What a column or a span holds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Kind {
            $($(#[$doc])* $variant,)*
        }

        impl Kind {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The label's word.
            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            pub(crate) fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class,)* }
            }

            /// Whether it is masked; some kinds are told only because they explain a column.
            pub(crate) fn is_sensitive(self) -> bool {
                match self { $(Self::$variant => $sensitive,)* }
            }

            /// In words, for evidence.
            pub(crate) fn plain(self) -> &'static str {
                match self { $(Self::$variant => $plain,)* }
            }
        }
    };
}

kinds! {
    Email "email" Identifier true "e-mail addresses";
    Phone "phone" Identifier true "phone numbers";
    Ssn "ssn" Identifier true "US social security numbers";
    NationalId "national-id" Identifier true "national identity numbers";
    TaxId "tax-id" Identifier true "tax numbers";
    Passport "passport" Identifier true "passport numbers";
    DriverLicense "driver-license" Identifier true "driving licences";
    Card "card" Identifier true "payment card numbers";
    Iban "iban" Identifier true "IBANs";
    BankAccount "bank-account" Identifier true "bank accounts";
    Name "name" Identifier true "names of people";
    FirstName "first-name" Identifier true "given names";
    LastName "last-name" Identifier true "family names";
    Address "address" Identifier true "addresses";
    City "city" QuasiIdentifier true "cities";
    PostalCode "postal-code" QuasiIdentifier true "postal codes";
    Username "username" Identifier true "user names";
    Ip "ip" Identifier true "IP addresses";
    Plate "plate" Identifier true "vehicle registrations";
    BirthDate "date-of-birth" QuasiIdentifier true "dates of birth";
    Age "age" QuasiIdentifier true "ages";
    Gender "gender" QuasiIdentifier true "genders";
    Demographic "demographic" Sensitive true "origin, belief or family status";
    Salary "salary" Sensitive true "income";
    Geo "geo" QuasiIdentifier true "coordinates";
    Health "health" Sensitive true "health";
    Secret "secret" Secret true "secrets";
    Password "password" Secret true "passwords";
    ApiKey "api-key" Secret true "API keys";
    FreeText "free-text" Sensitive true "prose about people";
    /// Addresses of machines that say nothing about a person.
    Mac "mac" QuasiIdentifier false "MAC addresses";
    Uuid "uuid" None false "UUIDs";
    Url "url" None false "URLs";
    None "none" None false "nothing that has a label";
}

impl Kind {
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }

    pub(crate) fn label(self) -> Label {
        Label::new(self.word()).unwrap_or_else(|_| crate::label::redact())
    }
}
