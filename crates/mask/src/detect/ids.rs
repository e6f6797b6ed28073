//! National identity and tax numbers: the forms they are written in, their checks, and how often chance passes them.

mod europe;
pub(crate) mod sums;
mod world;

use std::collections::HashMap;
use std::sync::OnceLock;

use super::kind::Kind;

/// One country's number.
#[derive(Debug)]
pub(crate) struct Scheme {
    /// As it is called.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Forms it is written in: `#` a digit, `A` a letter, `*` either, other characters as they are.
    forms: &'static [&'static str],
    /// The part of random values of its form that passes.
    pub(crate) chance: f32,
    check: fn(&[u8]) -> bool,
}

macro_rules! schemes {
    ($($name:literal $kind:ident [$($form:literal)*] $chance:literal $check:path;)*) => {
        const SCHEMES: &[Scheme] = &[$(Scheme {
            name: $name, kind: Kind::$kind, forms: &[$($form),*], chance: $chance, check: $check,
        }),*];
    };
}

schemes! {
    "US SSN" Ssn ["###-##-####" "### ## ####" "#########"] 0.89 world::us_ssn;
    "US ITIN" Ssn ["###-##-####"] 0.06 world::us_itin;
    "UK NINO" NationalId ["AA######A" "AA ###### A" "AA ## ## ## A" "AA-##-##-##-A"] 0.06 europe::uk_nino;
    "UK NHS" NationalId ["### ### ####" "###-###-####" "##########"] 0.08 europe::uk_nhs;
    "DE Steuer-ID" NationalId ["## ### ### ###" "## ###.###.###" "###########"] 0.03 europe::de_tax;
    "DE Versicherungsnummer" NationalId ["########A###" "## ###### A ###" "## ###### A###"] 0.02 europe::de_insurance;
    "FR NIR" NationalId ["###############" "# ## ## ## ### ### ##" "# ## ## #A ### ### ##" "#####2A########" "######A########" "############# ##"] 0.005 europe::fr_nir;
    "ES DNI/NIE" NationalId ["########A" "########-A" "##.###.###-A" "A#######A" "A-#######-A" "A#######-A"] 0.043 europe::es_dni;
    "IT codice fiscale" NationalId ["AAAAAA##A##A###A" "AAAAAA ##A##A###A" "AAA AAA ##A## A###A"] 0.015 europe::it_cf;
    "NL BSN" NationalId ["#########" "####.##.###"] 0.09 europe::nl_bsn;
    "BE national number" NationalId ["##.##.##-###.##" "###########" "######-###-##" "######-###.##"] 0.004 europe::be_national;
    "PL PESEL" NationalId ["###########"] 0.018 europe::pl_pesel;
    "SE personnummer" NationalId ["######-####" "########-####" "######+####" "##########" "############"] 0.004 europe::se_personal;
    "NO fødselsnummer" NationalId ["###########" "###### #####"] 0.0006 europe::no_birth;
    "FI henkilötunnus" NationalId ["######-####" "######-###A" "######A####" "######A###A" "######+####" "######+###A"] 0.0012 europe::fi_hetu;
    "DK CPR" NationalId ["######-####" "##########"] 0.037 europe::dk_cpr;
    "PT NIF" NationalId ["#########" "### ### ###"] 0.07 europe::pt_nif;
    "CH AHV" NationalId ["###.####.####.##" "#############"] 0.0001 europe::ch_ahv;
    "AT Versicherungsnummer" NationalId ["#### ######" "##########" "####-######"] 0.0035 europe::at_insurance;
    "IE PPS" NationalId ["#######A" "#######AA"] 0.043 europe::ie_pps;
    "CZ/SK rodné číslo" NationalId ["######/####" "##########"] 0.012 europe::cz_birth;
    "RO CNP" NationalId ["#############"] 0.002 europe::ro_cnp;
    "BG EGN" NationalId ["##########"] 0.01 europe::bg_egn;
    "EE/LT personal code" NationalId ["###########"] 0.003 europe::baltic;
    "LV personas kods" NationalId ["######-#####"] 0.02 europe::lv_code;
    "HR OIB" NationalId ["###########" "HR###########"] 0.1 europe::hr_oib;
    "JMBG/EMŠO" NationalId ["#############"] 0.0007 europe::yu_jmbg;
    "HU TAJ" NationalId ["### ### ###" "###-###-###" "#########"] 0.1 europe::hu_taj;
    "HU adóazonosító" NationalId ["##########"] 0.009 europe::hu_tax;
    "GR AMKA" NationalId ["###########"] 0.004 europe::gr_amka;
    "GR AFM" NationalId ["#########"] 0.1 europe::gr_afm;
    "RU INN" NationalId ["############"] 0.009 europe::ru_inn_person;
    "RU INN (firm)" TaxId ["##########"] 0.09 europe::ru_inn_firm;
    "RU SNILS" NationalId ["###-###-### ##" "###-###-###-##" "###########"] 0.01 europe::ru_snils;
    "UA RNOKPP" NationalId ["##########"] 0.09 europe::ua_tax;
    "TR kimlik" NationalId ["###########"] 0.009 europe::tr_kimlik;
    "LU matricule" NationalId ["#############"] 0.0001 europe::lu_national;
    "FR TVA" TaxId ["AA###########" "AA ## ### ### ###" "AA## #########"] 0.0001 europe::fr_vat;
    "CA SIN" NationalId ["### ### ###" "###-###-###" "#########"] 0.08 world::ca_sin;
    "BR CPF" NationalId ["###.###.###-##" "#########-##" "###########"] 0.01 world::br_cpf;
    "BR CNPJ" TaxId ["##.###.###/####-##" "##############"] 0.01 world::br_cnpj;
    "BR RG" NationalId ["##.###.###-#" "##.###.###-A"] 0.09 world::br_rg;
    "MX CURP" NationalId ["AAAA######AAAAAA*#" "AAAA######AAAAAA##"] 0.0005 world::mx_curp;
    "MX RFC" NationalId ["AAAA######***" "AAA######***" "AAAA-######-***"] 0.03 world::mx_rfc;
    "AR CUIT" NationalId ["##-########-#" "###########"] 0.008 world::ar_cuit;
    "CL RUT" NationalId ["##.###.###-#" "##.###.###-K" "#.###.###-#" "#.###.###-K" "########-#" "########-K" "#######-#" "#######-K" "########|#" "########|K"] 0.09 world::cl_rut;
    "CO NIT" TaxId ["###.###.###-#" "#########-#"] 0.09 world::co_nit;
    "IN Aadhaar" NationalId ["#### #### ####" "####-####-####" "############"] 0.08 world::in_aadhaar;
    "IN PAN" NationalId ["AAAAA####A"] 0.38 world::in_pan;
    "CN resident identity" NationalId ["##################" "#################X"] 0.0003 world::cn_resident;
    "KR resident registration" NationalId ["######-#######"] 0.03 world::kr_resident;
    "JP individual number" NationalId ["############" "#### #### ####" "####-####-####"] 0.1 world::jp_individual;
    "TW national identity" NationalId ["A#########"] 0.04 world::tw_national;
    "HK identity card" NationalId ["A######(#)" "A######(A)" "A#######" "A######A"] 0.09 world::hk_id;
    "SG NRIC" NationalId ["A#######A"] 0.006 world::sg_nric;
    "MY NRIC" NationalId ["######-##-####"] 0.037 world::my_nric;
    "ID NIK" NationalId ["################"] 0.06 world::id_nik;
    "TH identity" NationalId ["#-####-#####-##-#" "#############"] 0.08 world::th_id;
    "ZA identity" NationalId ["#############" "###### #### ###"] 0.001 world::za_id;
    "IL identity" NationalId ["#########" "########-#"] 0.1 world::il_id;
    "AU TFN" NationalId ["### ### ###" "#########"] 0.09 world::au_tfn;
    "AU Medicare" NationalId ["#### ##### #" "##########" "#### ##### #/#"] 0.05 world::au_medicare;
    "NZ IRD" NationalId ["##-###-###" "###-###-###" "########" "#########"] 0.02 world::nz_ird;
    "IR national code" NationalId ["##########" "###-######-#"] 0.09 world::ir_code;
    "SA identity" NationalId ["##########"] 0.02 world::sa_id;
    "EG identity" NationalId ["##############"] 0.003 world::eg_id;
    "AE identity" NationalId ["###-####-#######-#" "###############"] 0.0001 world::ae_id;
}

/// Longest and shortest form.
const MAX_FORM: usize = 24;
const MIN_FORM: usize = 8;

/// That a value has a scheme's form, and whether it passes its check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    /// Place in [`schemes`].
    pub(crate) scheme: usize,
    pub(crate) passes: bool,
    /// It is written with the separators, or the letters, that the scheme has.
    pub(crate) formed: bool,
}

pub(crate) fn schemes() -> &'static [Scheme] {
    SCHEMES
}

/// All schemes that have the value's form.
pub(crate) fn look(value: &str) -> Vec<Hit> {
    let Some((form, canonical)) = form(value) else {
        return Vec::new();
    };
    let formed = form.iter().any(|b| *b != b'#');
    by_form()
        .get(form.as_slice())
        .into_iter()
        .flatten()
        .filter_map(|index| {
            let scheme = SCHEMES.get(*index)?;
            Some(Hit {
                scheme: *index,
                passes: (scheme.check)(&canonical),
                formed,
            })
        })
        .collect()
}

/// The form with `#` and `A`, and the letters and digits alone.
fn form(value: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    if value.len() > MAX_FORM || value.len() < MIN_FORM || !value.is_ascii() {
        return None;
    }
    let (mut form, mut canonical) = (Vec::with_capacity(24), Vec::with_capacity(24));
    for b in value.bytes() {
        match b {
            b'0'..=b'9' => {
                form.push(b'#');
                canonical.push(b);
            }
            b'a'..=b'z' | b'A'..=b'Z' => {
                form.push(b'A');
                canonical.push(b.to_ascii_uppercase());
            }
            b' ' | b'-' | b'.' | b'/' | b'+' | b'(' | b')' | b'|' => form.push(b),
            _ => return None,
        }
    }
    Some((form, canonical))
}

fn by_form() -> &'static HashMap<Vec<u8>, Vec<usize>> {
    static FORMS: OnceLock<HashMap<Vec<u8>, Vec<usize>>> = OnceLock::new();
    FORMS.get_or_init(|| {
        let mut forms: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        for (index, scheme) in SCHEMES.iter().enumerate() {
            for form in scheme.forms.iter().flat_map(|form| spelled(form)) {
                let list = forms.entry(form).or_default();
                if !list.contains(&index) {
                    list.push(index);
                }
            }
        }
        forms
    })
}

/// A form with each `*` as a digit and as a letter; letters that are themselves count as `A`.
fn spelled(form: &str) -> Vec<Vec<u8>> {
    form.bytes().fold(vec![Vec::new()], |all, b| {
        let choices: &[u8] = match b {
            b'*' => b"#A",
            b'#' => b"#",
            b'A'..=b'Z' => b"A",
            b'0'..=b'9' => b"#",
            b' ' => b" ",
            b'-' => b"-",
            b'.' => b".",
            b'/' => b"/",
            b'+' => b"+",
            b'(' => b"(",
            b')' => b")",
            _ => b"|",
        };
        all.iter()
            .flat_map(|start| {
                choices.iter().map(move |choice| {
                    let mut next = start.clone();
                    next.push(*choice);
                    next
                })
            })
            .collect()
    })
}
