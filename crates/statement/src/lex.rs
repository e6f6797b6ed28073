//! A scanner of PostgreSQL's lexical form (PostgreSQL docs, 4.1; parser/scan.l) with standard_conforming_strings on.
//!
//! It serves limits, shapes and comments. It never decides what a statement means; that is the grammar's part.

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: TokenKind,
    /// Its first byte.
    pub(crate) start: usize,
    /// The byte after its last.
    pub(crate) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// `-- …` or `/* … */`.
    Comment,
    /// A string of any form, a bit string, a dollar-quoted string.
    Text,
    Number,
    /// `$1`.
    Param,
    /// A word, not quoted.
    Word,
    /// `"…"`.
    Quoted,
    /// One or more operator characters.
    Operator,
    /// Any other single character.
    Symbol,
}

/// The tokens of a text, blanks left out. Never fails: an unterminated token ends with the text.
pub(crate) struct Lexer<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            place: 0,
        }
    }

    fn at(&self, place: usize) -> u8 {
        self.bytes.get(place).copied().unwrap_or(0)
    }

    /// From just after an opening quote to just after the closing one.
    fn quoted(&self, mut place: usize, quote: u8, escapes: bool) -> usize {
        while place < self.bytes.len() {
            let byte = self.at(place);
            if escapes && byte == b'\\' {
                place += 2;
            } else if byte == quote {
                if self.at(place + 1) == quote {
                    place += 2;
                } else {
                    return place + 1;
                }
            } else {
                place += 1;
            }
        }
        self.bytes.len()
    }

    /// A string goes on after blanks that hold a newline (scan.l, quotecontinue).
    fn string(&self, start: usize, escapes: bool) -> usize {
        let mut end = self.quoted(start, b'\'', escapes);
        loop {
            let mut place = end;
            let mut newline = false;
            loop {
                match self.at(place) {
                    b'\n' | b'\r' => newline = true,
                    b' ' | b'\t' | 0x0b | 0x0c => {}
                    b'-' if newline && self.at(place + 1) == b'-' => {
                        place = self.line_end(place);
                        continue;
                    }
                    _ => break,
                }
                place += 1;
            }
            if !newline || self.at(place) != b'\'' {
                return end;
            }
            end = self.quoted(place + 1, b'\'', escapes);
        }
    }

    fn line_end(&self, mut place: usize) -> usize {
        while place < self.bytes.len() && !matches!(self.at(place), b'\n' | b'\r') {
            place += 1;
        }
        place
    }

    fn block_comment(&self, mut place: usize) -> usize {
        let mut depth = 0usize;
        while place < self.bytes.len() {
            match (self.at(place), self.at(place + 1)) {
                (b'/', b'*') => {
                    depth += 1;
                    place += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    place += 2;
                    if depth == 0 {
                        return place;
                    }
                }
                _ => place += 1,
            }
        }
        self.bytes.len()
    }

    /// The end of a dollar-quoted string that starts here, if one does.
    fn dollar_quote(&self, start: usize) -> Option<usize> {
        let mut place = start + 1;
        let first = self.at(place);
        if first != b'$' {
            if !(first.is_ascii_alphabetic() || first == b'_' || first >= 0x80) {
                return None;
            }
            while is_word(self.at(place)) {
                place += 1;
            }
            if self.at(place) != b'$' {
                return None;
            }
        }
        let tag = self.bytes.get(start..=place)?;
        let mut from = place + 1;
        while let Some(rest) = self.bytes.get(from..) {
            let Some(next) = rest.iter().position(|byte| *byte == b'$') else {
                break;
            };
            from += next;
            if self
                .bytes
                .get(from..)
                .is_some_and(|rest| rest.starts_with(tag))
            {
                return Some(from + tag.len());
            }
            from += 1;
        }
        Some(self.bytes.len())
    }

    fn number(&self, mut place: usize) -> usize {
        while {
            let byte = self.at(place);
            byte.is_ascii_alphanumeric()
                || byte == b'_'
                || (byte == b'.' && self.at(place + 1) != b'.')
                || (matches!(byte, b'+' | b'-')
                    && matches!(self.at(place - 1), b'e' | b'E')
                    && self.at(place + 1).is_ascii_digit())
        } {
            place += 1;
        }
        place
    }

    fn operator(&self, start: usize) -> usize {
        let mut place = start;
        while is_operator(self.at(place)) {
            let pair = (self.at(place), self.at(place + 1));
            if place > start && matches!(pair, (b'-', b'-') | (b'/', b'*')) {
                break;
            }
            place += 1;
        }
        place
    }

    fn word(&self, start: usize) -> (TokenKind, usize) {
        let next = self.at(start + 1);
        match (self.at(start), next) {
            (b'e' | b'E', b'\'') => return (TokenKind::Text, self.string(start + 2, true)),
            (b'b' | b'B' | b'x' | b'X' | b'n' | b'N', b'\'') => {
                return (TokenKind::Text, self.string(start + 2, false));
            }
            (b'u' | b'U', b'&') => match self.at(start + 2) {
                b'\'' => return (TokenKind::Text, self.string(start + 3, false)),
                b'"' => return (TokenKind::Quoted, self.quoted(start + 3, b'"', false)),
                _ => {}
            },
            _ => {}
        }
        let mut place = start;
        while is_word(self.at(place)) || self.at(place) == b'$' {
            place += 1;
        }
        (TokenKind::Word, place)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn is_operator(byte: u8) -> bool {
    matches!(
        byte,
        b'~' | b'!'
            | b'@'
            | b'#'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'<'
            | b'>'
            | b'='
    )
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        while matches!(
            self.at(self.place),
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c
        ) {
            self.place += 1;
        }
        let start = self.place;
        if start >= self.bytes.len() {
            return None;
        }
        let byte = self.at(start);
        let next = self.at(start + 1);
        let (kind, end) = match byte {
            b'-' if next == b'-' => (TokenKind::Comment, self.line_end(start)),
            b'/' if next == b'*' => (TokenKind::Comment, self.block_comment(start)),
            b'\'' => (TokenKind::Text, self.string(start + 1, false)),
            b'"' => (TokenKind::Quoted, self.quoted(start + 1, b'"', false)),
            b'$' if next.is_ascii_digit() => {
                let mut place = start + 1;
                while self.at(place).is_ascii_digit() {
                    place += 1;
                }
                (TokenKind::Param, place)
            }
            b'$' => match self.dollar_quote(start) {
                Some(end) => (TokenKind::Text, end),
                None => (TokenKind::Symbol, start + 1),
            },
            b'0'..=b'9' => (TokenKind::Number, self.number(start)),
            b'.' if next.is_ascii_digit() => (TokenKind::Number, self.number(start)),
            _ if byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80 => self.word(start),
            _ if is_operator(byte) => (TokenKind::Operator, self.operator(start)),
            _ => (TokenKind::Symbol, start + 1),
        };
        self.place = end.clamp(start + 1, self.bytes.len());
        Some(Token {
            kind,
            start,
            end: self.place,
        })
    }
}
