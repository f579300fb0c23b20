//! A future that dies at an await.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// Runs a future until it ends or until the poll at which it dies. What it holds is dropped there,
/// as the connections of a process are when it ends, and nothing of it runs again.
pub(super) struct Mortal<F> {
    inner: Option<Pin<Box<F>>>,
    polls: u32,
    dies_at: Option<u32>,
    doom: Doom,
}

/// Tells a function from elsewhere that it dies at its next await.
#[derive(Debug, Clone, Default)]
pub(super) struct Doom(Arc<AtomicBool>);

impl Doom {
    pub(super) fn strike(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn has_struck(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// How a mortal future ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life<T> {
    /// By itself, after so many polls.
    Ended(T, u32),
    Died,
}

impl<F: Future> Mortal<F> {
    /// Dies instead of being polled for the n-th time, counted from 1, or when its doom strikes.
    pub(super) fn new(inner: F, dies_at: Option<u32>, doom: Doom) -> Self {
        // A doom that found nothing to kill does not wait for the next.
        doom.has_struck();
        Self { inner: Some(Box::pin(inner)), polls: 0, dies_at, doom }
    }
}

impl<F: Future> Future for Mortal<F> {
    type Output = Life<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.polls += 1;
        let struck = self.doom.has_struck();
        if struck || self.dies_at.is_some_and(|poll| self.polls >= poll) {
            self.inner = None;
        }
        let polls = self.polls;
        let Some(inner) = &mut self.inner else { return Poll::Ready(Life::Died) };
        inner.as_mut().poll(context).map(|output| Life::Ended(output, polls))
    }
}
