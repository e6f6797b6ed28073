//! A connection, plain or under TLS.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

/// A byte stream to a client or a server.
pub(crate) enum Stream {
    /// TCP.
    Plain(TcpStream),
    /// TLS that we accepted.
    Accepted(Box<tokio_rustls::server::TlsStream<TcpStream>>),
    /// TLS that we opened.
    Opened(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl Stream {
    /// Reads what is there into `buffer`; 0 is the end of the stream.
    pub(crate) fn poll_into(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        let reading = self.read_buf(buffer);
        pin!(reading).poll(cx)
    }

    /// Writes as much of `buffer` as the socket takes, and consumes it.
    pub(crate) fn poll_from(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        let written = match Pin::new(&mut *self).poll_write(cx, buffer) {
            Poll::Ready(Ok(0)) if !buffer.is_empty() => {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            Poll::Ready(Ok(written)) => written,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        };
        buffer.advance(written);
        Poll::Ready(Ok(written))
    }

    /// Writes all of `buffer` and flushes.
    pub(crate) async fn send(&mut self, buffer: &mut BytesMut) -> io::Result<()> {
        self.write_all_buf(buffer).await?;
        self.flush().await
    }

    /// Whether bytes leave encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        !matches!(self, Stream::Plain(_))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(s) => Pin::new(s).poll_read(cx, buf),
            Stream::Accepted(s) => Pin::new(s.as_mut()).poll_read(cx, buf),
            Stream::Opened(s) => Pin::new(s.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(s) => Pin::new(s).poll_write(cx, buf),
            Stream::Accepted(s) => Pin::new(s.as_mut()).poll_write(cx, buf),
            Stream::Opened(s) => Pin::new(s.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(s) => Pin::new(s).poll_flush(cx),
            Stream::Accepted(s) => Pin::new(s.as_mut()).poll_flush(cx),
            Stream::Opened(s) => Pin::new(s.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(s) => Pin::new(s).poll_shutdown(cx),
            Stream::Accepted(s) => Pin::new(s.as_mut()).poll_shutdown(cx),
            Stream::Opened(s) => Pin::new(s.as_mut()).poll_shutdown(cx),
        }
    }
}
