//! Trying again: only what is unavailable, never beyond the deadline, never all at once.

use std::time::Duration;

use rand_core::{OsRng, RngCore};
use tokio::time::{Instant, sleep, timeout_at};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::error::{is_certificate_refused, may_have_been_done};

/// The longest wait before the second try; it doubles with each further one.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// The longest wait at all, beyond what the service asks for.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// What the last try came to, and what is not known of those before.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) status: Status,
    /// An earlier try reached the service, or may have, and had no answer: it may have been done.
    pub(crate) after_no_answer: bool,
}

/// Runs `attempt` until it succeeds, fails for good or runs out of time.
///
/// Each try is told how much time is left. The wait before the next is what the service asks for
/// (`RetryInfo`) and a random share of the back-off on top, so that clients which failed together
/// do not come back together. A wait that would pass the deadline is not begun.
pub(crate) async fn until<T, A: Future<Output = Result<T, Status>>>(
    deadline: Instant,
    mut share: impl FnMut(Duration) -> Duration,
    mut attempt: impl FnMut(Duration) -> A,
) -> Result<T, Failed> {
    let mut backoff = BACKOFF_FIRST;
    let mut after_no_answer = false;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let status = match timeout_at(deadline, attempt(left)).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(status)) => status,
            Err(_) => Status::deadline_exceeded("no answer in time"),
        };
        if status.code() != Code::Unavailable || is_certificate_refused(&status) {
            return Err(Failed { status, after_no_answer });
        }
        let asked = status.get_details_retry_info().and_then(|info| info.retry_delay);
        let wait = asked.unwrap_or_default().saturating_add(share(backoff));
        if wait >= deadline.saturating_duration_since(Instant::now()) {
            return Err(Failed { status, after_no_answer });
        }
        after_no_answer |= may_have_been_done(&status);
        sleep(wait).await;
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

/// A random part of `most`, any as likely as any other.
pub(crate) fn random_share(most: Duration) -> Duration {
    let random = OsRng.next_u32();
    most.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tonic_types::ErrorDetails;

    use super::*;
    use crate::error::ClientError;

    const TIMEOUT: Duration = Duration::from_secs(10);

    /// What happened: when each try began and how much time it was given.
    struct Run {
        result: Result<u32, Code>,
        tries: Vec<(Duration, Duration)>,
    }

    /// Answers `failures` in order and then succeeds; every wait is the whole back-off.
    async fn run(failures: Vec<Status>) -> Run {
        let begun = Instant::now();
        let (tries, failures) = (RefCell::new(Vec::new()), RefCell::new(failures.into_iter()));
        let result = until(
            begun + TIMEOUT,
            |most| most,
            |left| {
                tries.borrow_mut().push((begun.elapsed(), left));
                let failure = failures.borrow_mut().next();
                async move { failure.map_or(Ok(7), Err) }
            },
        )
        .await;
        let result = result.map_err(|failed| failed.status.code());
        Run { result, tries: tries.into_inner() }
    }

    fn unavailable() -> Status {
        Status::unavailable("closing")
    }

    /// The service says that it did nothing.
    fn unavailable_because(reason: &str) -> Status {
        let details = ErrorDetails::with_error_info(reason, "signpost", []);
        Status::with_error_details(Code::Unavailable, "no", details)
    }

    fn unavailable_for(delay: Duration) -> Status {
        let details = ErrorDetails::with_retry_info(Some(delay));
        Status::with_error_details(Code::Unavailable, "busy", details)
    }

    #[tokio::test(start_paused = true)]
    async fn unavailable_is_tried_again_and_each_try_gets_what_is_left() {
        let run = run(vec![unavailable(), unavailable()]).await;
        assert_eq!(run.result, Ok(7));
        let at = |millis| Duration::from_millis(millis);
        let expected = [0, 100, 300].map(|millis| (at(millis), at(10_000 - millis)));
        assert_eq!(run.tries, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_else_is_tried_again() {
        for code in (1..=16).map(Code::from_i32).filter(|code| *code != Code::Unavailable) {
            let run = run(vec![Status::new(code, "no")]).await;
            assert_eq!((run.result, run.tries.len()), (Err(code), 1), "{code:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_the_service_asks_for_is_kept() {
        let run = run(vec![unavailable_for(Duration::from_secs(3))]).await;
        assert_eq!(run.result, Ok(7));
        assert_eq!(run.tries[1].0, Duration::from_millis(3100));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_would_pass_the_deadline_is_not_begun() {
        let begun = Instant::now();
        let run = run(vec![unavailable_for(TIMEOUT)]).await;
        assert_eq!((run.result, run.tries.len()), (Err(Code::Unavailable), 1));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_back_off_is_bounded_and_ends_at_the_deadline() {
        let run = run((0..1000).map(|_| unavailable()).collect()).await;
        assert_eq!(run.result, Err(Code::Unavailable));
        let waits = run.tries.windows(2).map(|pair| pair[1].0.saturating_sub(pair[0].0));
        assert!(waits.max() <= Some(BACKOFF_MAX));
        assert!(run.tries.last().unwrap().0 < TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_try_without_an_answer_ends_at_the_deadline() {
        let begun = Instant::now();
        let never = |_| std::future::pending::<Result<(), Status>>();
        let failed = until(begun + TIMEOUT, random_share, never).await.unwrap_err();
        assert_eq!(failed.status.code(), Code::DeadlineExceeded);
        assert_eq!(begun.elapsed(), TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_known_of_an_earlier_try_is_said_with_a_refusal() {
        let busy = || unavailable_because("BUSY");
        let unsent = || Status::from_error(Box::new(tonic::ConnectError("refused".into())));
        let no = || Status::permission_denied("no");
        for (failures, after_no_answer) in [
            (vec![no()], false),
            (vec![busy(), unsent(), no()], false),
            (vec![unavailable(), no()], true),
            (vec![unavailable(), busy(), no()], true),
        ] {
            let failures = RefCell::new(failures.into_iter());
            let attempt = |_| {
                let failure = failures.borrow_mut().next().unwrap();
                async move { Err::<(), Status>(failure) }
            };
            let failed = until(Instant::now() + TIMEOUT, |most| most, attempt).await.unwrap_err();
            assert_eq!(failed.status.code(), Code::PermissionDenied);
            assert_eq!(failed.after_no_answer, after_no_answer);
            let ClientError::Refused(refused) = ClientError::from(failed) else {
                panic!("not refused")
            };
            assert_eq!(refused.after_no_answer, after_no_answer);
            assert_eq!(refused.to_string().contains("may have been done"), after_no_answer);
        }
    }

    #[test]
    fn a_random_share_is_never_more_than_the_whole() {
        assert!((0..1000).all(|_| random_share(BACKOFF_FIRST) <= BACKOFF_FIRST));
    }
}
