//! Where a row ends in the text and CSV formats, found byte by byte so that a
//! row may arrive in any pieces. Follows `CopyReadLineText` of PostgreSQL.

use super::super::Error;
use super::Csv;

/// The line ending in use, fixed by the first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Unknown,
    Newline,
    Return,
    ReturnNewline,
}

/// Where a row ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// Bytes of the chunk that belong to the row, its line ending included.
    /// Zero is possible: a return ended the row, and the byte behind it is not
    /// a newline.
    pub(crate) taken: usize,
    /// Bytes of the line ending, some of which may lie before the chunk.
    pub(crate) ending: usize,
}

/// Scanner for the end of a row; remembers where it is within one.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    /// CSV: quote and escape (`None` when the quote escapes itself).
    quoting: Option<(u8, Option<u8>)>,
    ending: Ending,
    in_quote: bool,
    /// Text: the byte before was a backslash. CSV: it was a live escape.
    after_escape: bool,
    /// The byte before was a return outside quotes; the next one decides.
    after_return: bool,
}

impl Lines {
    pub(crate) fn text() -> Self {
        Lines::new(None)
    }

    pub(crate) fn csv(csv: &Csv) -> Self {
        let escape = (csv.escape != csv.quote).then_some(csv.escape);
        Lines::new(Some((csv.quote, escape)))
    }

    fn new(quoting: Option<(u8, Option<u8>)>) -> Self {
        Lines {
            quoting,
            ending: Ending::Unknown,
            in_quote: false,
            after_escape: false,
            after_return: false,
        }
    }

    /// Looks for the end of the row under way. `None` when it goes on behind
    /// `chunk`.
    pub(crate) fn end(&mut self, chunk: &[u8]) -> Result<Option<End>, Error> {
        if self.after_return {
            return match chunk.first() {
                None => Ok(None),
                Some(&byte) => self.settle_return(0, byte).map(Some),
            };
        }
        for (at, &byte) in chunk.iter().enumerate() {
            if self.protects(byte) {
                continue;
            }
            let taken = at.saturating_add(1);
            match byte {
                b'\n' => {
                    self.newline()?;
                    return Ok(Some(End { taken, ending: 1 }));
                }
                b'\r' => {
                    self.after_return = true;
                    return match chunk.get(taken) {
                        None => Ok(None),
                        Some(&byte) => self.settle_return(taken, byte).map(Some),
                    };
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// The stream ends here. Bytes of line ending at the end of what was seen of
    /// the row under way, or an error when the row is not whole.
    pub(crate) fn finish(&mut self) -> Result<usize, Error> {
        if self.in_quote {
            return Err(Error::Malformed("COPY data ends inside quotes"));
        }
        if self.after_return {
            // anything but a newline makes the return stand alone
            return self.settle_return(0, b'\r').map(|end| end.ending);
        }
        Ok(0)
    }

    /// Follows quotes and escapes; true when `byte` cannot end the row.
    fn protects(&mut self, byte: u8) -> bool {
        let Some((quote, escape)) = self.quoting else {
            let escaped = self.after_escape;
            self.after_escape = !escaped && byte == b'\\';
            return escaped;
        };
        if self.in_quote && Some(byte) == escape {
            self.after_escape = !self.after_escape;
        }
        if byte == quote && !self.after_escape {
            self.in_quote = !self.in_quote;
        }
        if Some(byte) != escape {
            self.after_escape = false;
        }
        self.in_quote
    }

    fn newline(&mut self) -> Result<(), Error> {
        match self.ending {
            Ending::Unknown | Ending::Newline => {
                self.ending = Ending::Newline;
                Ok(())
            }
            Ending::Return | Ending::ReturnNewline => {
                Err(Error::Malformed("line endings differ in COPY data"))
            }
        }
    }

    /// Decides what a return was, by the byte behind it.
    fn settle_return(&mut self, taken: usize, behind: u8) -> Result<End, Error> {
        self.after_return = false;
        match (self.ending, behind) {
            (Ending::Unknown | Ending::ReturnNewline, b'\n') => {
                self.ending = Ending::ReturnNewline;
                let taken = taken.saturating_add(1);
                Ok(End { taken, ending: 2 })
            }
            (Ending::Unknown | Ending::Return, _) => {
                self.ending = Ending::Return;
                Ok(End { taken, ending: 1 })
            }
            (Ending::Newline | Ending::ReturnNewline, _) => {
                Err(Error::Malformed("line endings differ in COPY data"))
            }
        }
    }
}
