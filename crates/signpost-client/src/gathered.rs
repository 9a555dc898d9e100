//! A stream whose small writes are gathered, for either end of an HTTP/2 connection: a record of TLS
//! and a system call for each reply of many that are ready at once would cost more than the replies.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, BufWriter, ReadBuf};

/// Writes to a stream go through a buffer of one TLS record, and a flush waits for the next.
///
/// HTTP/2 flushes behind every frame of data. The first flush after a write only wakes the task that
/// asked for it, so that all that is ready by then is written before it is polled again; the flush
/// after that, with nothing written in between, is made. So the stream must be polled by one task
/// alone, and that task must flush each time it is polled, as an HTTP/2 connection does.
#[derive(Debug)]
pub struct Gathered<S> {
    stream: BufWriter<S>,
    /// Whether anything was written since the last flush was asked for.
    is_written: bool,
    /// Until the other end has said something, nothing waits: a handshake need not flush again.
    is_heard: bool,
}

/// So much should be read at once from below TLS, which alone reads 4 KiB: two answers.
pub const READ_LEN: usize = 32 * 1024;

/// The most plaintext that a record of TLS holds.
const RECORD_LEN: usize = 16 * 1024;

impl<S: AsyncWrite> Gathered<S> {
    /// Gathers what is written to this stream.
    pub fn new(stream: S) -> Self {
        let stream = BufWriter::with_capacity(RECORD_LEN, stream);
        Self { stream, is_written: false, is_heard: false }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        self.is_heard = true;
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_written = true;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.is_written = true;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.is_written) && self.is_heard {
            context.waker().wake_by_ref();
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    /// What arrived at the other end, write by write.
    #[derive(Debug, Default)]
    struct Writes(Vec<Vec<u8>>);

    impl AsyncRead for Writes {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Writes {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.push(bytes.to_vec());
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A stream, and a task that polls it.
    struct Task(Gathered<Writes>, Arc<Wakes>);

    impl Task {
        fn begin() -> Self {
            Self(Gathered::new(Writes::default()), Arc::default())
        }

        fn poll<T>(
            &mut self,
            poll: impl FnOnce(Pin<&mut Gathered<Writes>>, &mut Context<'_>) -> Poll<io::Result<T>>,
        ) {
            let waker = Waker::from(Arc::clone(&self.1));
            let polled = poll(Pin::new(&mut self.0), &mut Context::from_waker(&waker));
            assert!(matches!(polled, Poll::Ready(Ok(_))));
        }

        fn write(&mut self, bytes: &[u8]) {
            self.poll(|stream, context| stream.poll_write(context, bytes));
        }

        fn flush(&mut self) {
            self.poll(Gathered::poll_flush);
        }

        fn hear(&mut self) {
            self.poll(|stream, context| stream.poll_read(context, &mut ReadBuf::new(&mut [])));
        }

        fn lengths(&self) -> Vec<usize> {
            self.0.stream.get_ref().0.iter().map(Vec::len).collect()
        }

        fn wakes(&self) -> usize {
            self.1.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn what_is_written_between_two_polls_goes_together() {
        let mut task = Task::begin();
        task.hear();
        for _ in 0..3 {
            task.write(&[1; 100]);
            task.flush();
        }
        assert_eq!((task.lengths(), task.wakes()), (vec![], 3), "woken to flush again");
        task.flush();
        assert_eq!((task.lengths(), task.wakes()), (vec![300], 3));
    }

    #[test]
    fn a_record_that_is_full_does_not_wait() {
        let mut task = Task::begin();
        task.hear();
        for _ in 0..9 {
            task.write(&[1; 2000]);
            task.flush();
        }
        assert_eq!(task.lengths(), [16_000]);
        task.poll(Gathered::poll_shutdown);
        assert_eq!(task.lengths(), [16_000, 2000], "what is left goes with the end");
    }

    #[test]
    fn nothing_waits_before_the_other_end_has_spoken() {
        let mut task = Task::begin();
        task.write(&[1; 100]);
        task.flush();
        assert_eq!((task.lengths(), task.wakes()), (vec![100], 0));
    }
}
