//! Words before a value: greetings, introductions, signatures, announcements of addresses. Looked up by the last
//! word, so that text without them costs one look.

use std::collections::HashMap;
use std::sync::OnceLock;

use foldhash::fast::FixedState;

/// What words before a phrase say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// A greeting or a farewell; a line may end between.
    Signed,
    /// Somebody is named within the sentence.
    Spoken,
    /// An address follows.
    Address,
    /// A date of birth follows.
    Birth,
    /// A telephone number follows.
    Call,
    /// The number of a thing follows.
    Numbered,
}

const SIGNED: &str = "regards|sincerely|cheers|thanks|dear|hi|hello|hey|attn|signed|grüße|grüßen|gruß|cordialement|salutations|saludos|atentamente|saluti|\
    cumprimentos|atenciosamente|groeten|groet|pozdrawiam|mvh|hälsningar|hilsen|terveisin|saygılar|saygılarımla|уважением|повагою|εκτίμηση|pozdravem|\
    üdvözlettel|hallo|liebe|lieber|bonjour|cher|chère|hola|querido|querida|ciao|caro|cara|olá|beste|hej|hei|merhaba|sayın|здравствуйте|привет|geachte|estimado|\
    estimada|gentile|prezado|prezada|szanowny|szanowna|kære|kjære|hyvä|vážený|kedves|уважаемый|уважаемая|שלום|مرحبا|नमस्ते|สวัสดี";
const SPOKEN: &str = "name is|this is|i am|i'm|call me|mr|mrs|ms|dr|prof|herr|herrn|frau|monsieur|madame|señor|señora|sr|sra|signor|signora|senhor|senhora|heer|\
    mevrouw|pan|pani|patient|customer|client|contact|employee|agent|user|caller|manager|name|by|with|from|call|ask|met|hier ist|ich bin|heiße|heisse|name ist|\
    appelle|je suis|soy|llamo|nombre es|sono|chiamo|nome é|nome è|chamo|sou|ben|nazywam się|jestem|heter|hedder|olen|numele meu este|adım|зовут|это|звати|\
    λέγομαι|jmenuji se|vagyok|numesc|zovem se|author|assigned to|reported by|approved by|c/o|kundin|kunde|cliente|klient|клиент|nom|nome|naam|nombre|имя|imię|\
    kontakt|contacto|spreekt met|benim adım";
const ADDRESS: &str = "ship it to|ship to|shipped to|deliver to|deliver it to|send it to|address|address is|live at|lives at|living at|moved to|adresse|lieferadresse|\
    anschrift|livrer au|livrer à|enviar a|entregar em|entregar a|indirizzo|dirección|endereço|adres|adresem|адрес|адресу|wohnt in der|wohne in der|domicilio|residing at";
const BIRTH: &str = "born|born on|birth|birthday|birthdate|dob|d.o.b|geboren|geboren am|geb|né le|née le|né|née|nacido|nacida|nacido el|nacida el|nato|nata|nato il|\
    nata il|nascido|nascida|nascido em|ur|urodzony|urodzona|född|født|syntynyt|родился|родилась|рождения|doğum|narozen|narozena|született|geburtsdatum|naissance|nacimiento|nascita|nascimento";
const CALL: &str = "call|number|number is|ring|reach|reach me at|dial|phone|telephone|tel|mobile|cell|fax|whatsapp|nummer|nummer ist|anrufen|telefon|handy|mobil|rückruf an|\
    numéro|téléphone|téléphone est le|appelez|portable|número|teléfono|teléfono es|móvil|llame|telefone|celular|ligue|telefono|cellulare|chiamare|numero|numero è|bel|telefoon|\
    op|zadzwoń|numer|ring|mobilnummer|номер|телефон|телефону|звоните|ara|telefonum|phone is|me on|them on|puhelin|telefonnummer|telefonszám|τηλέφωνο";
const NUMBERED: &str = "order|orders|invoice|tracking|shipment|ticket|case|ref|reference|sku|ean|isbn|trace|job|build|transaction|parcel|id|bestellung|rechnung|auftrag|\
    commande|facture|pedido|factura|ordine|fattura|fatura|bestelling|factuur|zamówienie|faktura|заказ|заказа|счет|sipariş|epoch|timestamp|serial|order no|order number|\
    invoice no|item|part|model|version|batch|lot|no of|account id|order_id|orderid|invoice number|beställning|tilaus|注文番号|订单|订单号|주문번호";

type Index = HashMap<String, Vec<(&'static str, Cue)>, FixedState>;

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index = Index::default();
        for (cue, phrases) in [
            (Cue::Signed, SIGNED),
            (Cue::Spoken, SPOKEN),
            (Cue::Address, ADDRESS),
            (Cue::Birth, BIRTH),
            (Cue::Call, CALL),
            (Cue::Numbered, NUMBERED),
        ] {
            for phrase in phrases.split('|') {
                let last = phrase.rsplit(' ').next().unwrap_or_default();
                index
                    .entry(last.to_owned())
                    .or_default()
                    .push((phrase, cue));
            }
        }
        index
    })
}

/// Whether the words right before a place are of a cue. Blanks and light punctuation may stand between; the end of a
/// sentence only before what was signed.
pub(super) fn before(text: &str, at: usize, cue: Cue) -> bool {
    let head = super::before(text, at);
    let tail = head.trim_end_matches([
        ' ', ',', ':', '\n', '-', '–', '.', '\r', '!', '(', '#', '"', '\'', '=',
    ]);
    let gap = head.get(tail.len()..).unwrap_or_default();
    if gap.len() > 4 || tail.is_empty() {
        return false;
    }
    let word = last_word(tail);
    let ended = gap.contains(['.', '\n', '!']);
    if ended && cue != Cue::Signed && !(gap == ". " && word.len() <= 4) {
        return false;
    }
    known(tail, word, cue)
}

/// Whether a cue stands among the last few words before a place, on its line.
pub(super) fn near(text: &str, at: usize, cue: Cue, words: usize) -> bool {
    let mut head = super::before(text, at);
    for _ in 0..words {
        head = head.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '\n');
        if head.is_empty() || head.ends_with('\n') {
            return false;
        }
        let word = last_word(head);
        if word.is_empty() {
            return false;
        }
        if known(head, word, cue) {
            return true;
        }
        head = head.get(..head.len() - word.len()).unwrap_or_default();
    }
    false
}

fn last_word(text: &str) -> &str {
    let bytes = text.as_bytes();
    let length = bytes
        .iter()
        .rev()
        .take(40)
        .take_while(|b| {
            b.is_ascii_alphanumeric() || **b >= 0x80 || matches!(b, b'\'' | b'_' | b'/')
        })
        .count();
    text.get(text.len() - length..).unwrap_or_default()
}

fn known(tail: &str, word: &str, cue: Cue) -> bool {
    let mut buffer = [0u8; 40];
    let lower: std::borrow::Cow<'_, str> = match buffer.get_mut(..word.len()) {
        Some(room) if word.is_ascii() => {
            room.copy_from_slice(word.as_bytes());
            room.make_ascii_lowercase();
            std::borrow::Cow::Borrowed(std::str::from_utf8(room).unwrap_or_default())
        }
        Some(_) | None => std::borrow::Cow::Owned(word.to_lowercase()),
    };
    let lower = lower.rsplit('\'').next().unwrap_or_default();
    let Some(phrases) = index().get(lower) else {
        return false;
    };
    phrases
        .iter()
        .filter(|(_, own)| *own == cue)
        .any(|(phrase, _)| {
            !phrase.contains(' ') || {
                let from = super::boundary(tail, tail.len().saturating_sub(phrase.len()));
                tail.get(from..)
                    .is_some_and(|end| end.to_lowercase() == **phrase)
            }
        })
}
