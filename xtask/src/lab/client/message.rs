//! Frontend messages as bytes (PostgreSQL docs, 55.7), written straight from the page.

/// A message under construction.
#[derive(Debug, Default, Clone)]
pub struct Builder {
    bytes: Vec<u8>,
    start: usize,
}

impl Builder {
    /// Begins a message with a type byte.
    #[must_use]
    pub fn new(tag: u8) -> Builder {
        Builder {
            bytes: vec![tag, 0, 0, 0, 0],
            start: 1,
        }
    }

    /// Begins a message of the start-up phase, which has no type byte.
    #[must_use]
    pub fn untagged() -> Builder {
        Builder {
            bytes: vec![0, 0, 0, 0],
            start: 0,
        }
    }

    /// Appends raw bytes.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Builder {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Appends a zero-terminated string.
    #[must_use]
    pub fn string(self, text: &str) -> Builder {
        self.raw(text.as_bytes()).raw(&[0])
    }

    /// Appends an Int16.
    #[must_use]
    pub fn int16(self, value: i16) -> Builder {
        self.raw(&value.to_be_bytes())
    }

    /// Appends an Int32.
    #[must_use]
    pub fn int32(self, value: i32) -> Builder {
        self.raw(&value.to_be_bytes())
    }

    /// Appends a value with its Int32 length, or −1 for NULL.
    #[must_use]
    pub fn value(self, value: Option<&[u8]>) -> Builder {
        match value {
            None => self.int32(-1),
            Some(bytes) => self
                .int32(i32::try_from(bytes.len()).unwrap_or(i32::MAX))
                .raw(bytes),
        }
    }

    /// The message with its length filled in.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len() - self.start).unwrap_or(u32::MAX);
        if let Some(slot) = self.bytes.get_mut(self.start..self.start + 4) {
            slot.copy_from_slice(&length.to_be_bytes());
        }
        self.bytes
    }
}

/// StartupMessage, protocol 3.0.
#[must_use]
pub fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut message = Builder::untagged().int32(196_608);
    for (name, value) in parameters {
        message = message.string(name).string(value);
    }
    message.raw(&[0]).finish()
}

/// Query.
#[must_use]
pub fn query(text: &str) -> Vec<u8> {
    Builder::new(b'Q').string(text).finish()
}

/// Parse.
#[must_use]
pub fn parse(name: &str, text: &str, types: &[u32]) -> Vec<u8> {
    let mut message = Builder::new(b'P')
        .string(name)
        .string(text)
        .int16(i16::try_from(types.len()).unwrap_or(i16::MAX));
    for oid in types {
        message = message.raw(&oid.to_be_bytes());
    }
    message.finish()
}

/// Bind with text parameters and one format for all results (0 text, 1 binary).
#[must_use]
pub fn bind(
    portal: &str,
    statement: &str,
    parameters: &[Option<&[u8]>],
    result_format: i16,
) -> Vec<u8> {
    let mut message = Builder::new(b'B')
        .string(portal)
        .string(statement)
        .int16(0)
        .int16(i16::try_from(parameters.len()).unwrap_or(i16::MAX));
    for parameter in parameters {
        message = message.value(*parameter);
    }
    message.int16(1).int16(result_format).finish()
}

/// Describe; `kind` is `S` or `P`.
#[must_use]
pub fn describe(kind: u8, name: &str) -> Vec<u8> {
    Builder::new(b'D').raw(&[kind]).string(name).finish()
}

/// Execute; `max_rows` 0 is no limit.
#[must_use]
pub fn execute(portal: &str, max_rows: i32) -> Vec<u8> {
    Builder::new(b'E').string(portal).int32(max_rows).finish()
}

/// Close; `kind` is `S` or `P`.
#[must_use]
pub fn close(kind: u8, name: &str) -> Vec<u8> {
    Builder::new(b'C').raw(&[kind]).string(name).finish()
}

/// Sync.
#[must_use]
pub fn sync() -> Vec<u8> {
    Builder::new(b'S').finish()
}

/// Flush.
#[must_use]
pub fn flush() -> Vec<u8> {
    Builder::new(b'H').finish()
}

/// Terminate.
#[must_use]
pub fn terminate() -> Vec<u8> {
    Builder::new(b'X').finish()
}

/// CopyData.
#[must_use]
pub fn copy_data(bytes: &[u8]) -> Vec<u8> {
    Builder::new(b'd').raw(bytes).finish()
}

/// CopyDone.
#[must_use]
pub fn copy_done() -> Vec<u8> {
    Builder::new(b'c').finish()
}

/// CopyFail.
#[must_use]
pub fn copy_fail(reason: &str) -> Vec<u8> {
    Builder::new(b'f').string(reason).finish()
}

/// FunctionCall with text arguments and a text result.
#[must_use]
pub fn function_call(oid: u32, arguments: &[Option<&[u8]>]) -> Vec<u8> {
    let mut message = Builder::new(b'F')
        .raw(&oid.to_be_bytes())
        .int16(0)
        .int16(i16::try_from(arguments.len()).unwrap_or(i16::MAX));
    for argument in arguments {
        message = message.value(*argument);
    }
    message.int16(0).finish()
}

/// CancelRequest.
#[must_use]
pub fn cancel(process_id: i32, secret: &[u8]) -> Vec<u8> {
    Builder::untagged()
        .int32(80_877_102)
        .int32(process_id)
        .raw(secret)
        .finish()
}

/// SSLRequest.
#[must_use]
pub fn ssl_request() -> Vec<u8> {
    Builder::untagged().int32(80_877_103).finish()
}
