//! The states of an integration. A transition that is not declared here does not compile: [`State`] is what is stored and shown,
//! the types in [`at`] are what code moves through.

use serde::{Deserialize, Serialize};

macro_rules! states {
    ($($(#[$doc:meta])* $state:ident $word:literal => [$($next:ident),*];)*) => {
        /// Where an integration is in its life.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum State { $($(#[$doc])* $state,)* }

        impl State {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$state,)*];

            /// The word for it in columns, labels and answers.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$state => $word,)* }
            }

            /// The states that may follow.
            pub fn next(self) -> &'static [Self] {
                match self { $(Self::$state => &[$(Self::$next,)*],)* }
            }
        }

        /// One type for each state; [`At::to`] moves between them, and only along declared transitions.
        pub mod at {
            $($(#[$doc])* #[derive(Debug, Clone, Copy, PartialEq, Eq)] pub struct $state;)*
        }

        $(
            impl Named for at::$state { const STATE: State = State::$state; }
            $(impl Leads<at::$next> for at::$state {})*
        )*
    };
}

states! {
    /// Made, not yet complete.
    Draft "draft" => [Authorizing, Testing, Paused, Deleted];
    /// Waiting for its owner to grant access.
    Authorizing "authorizing" => [Testing, ReauthRequired, Paused, Deleted];
    /// The connection is being tried.
    Testing "testing" => [Backfilling, Live, Waiting, Degraded, ReauthRequired, Paused, Deleted];
    /// History is being read for the first time.
    Backfilling "backfilling" => [Live, Waiting, Degraded, ReauthRequired, Paused, Deleted];
    /// Up to date, as far as its schedule asks.
    Live "live" => [Backfilling, Waiting, Degraded, ReauthRequired, Paused, Testing, Deleted];
    /// Waiting for a limit, until a stated time.
    Waiting "waiting" => [Backfilling, Live, Degraded, ReauthRequired, Paused, Testing, Deleted];
    /// Something does not work; what works goes on, the rest is tried again by itself.
    Degraded "degraded" => [Backfilling, Live, Waiting, ReauthRequired, Paused, Testing, Deleted];
    /// The owner must grant access again. What was read stays.
    ReauthRequired "reauth_required" => [Authorizing, Testing, Paused, Deleted];
    /// Somebody stopped it.
    Paused "paused" => [Testing, Backfilling, Live, Deleted];
    /// Gone; its id is never used again.
    Deleted "deleted" => [];
}

/// A type that stands for one state.
pub trait Named {
    /// The state it stands for.
    const STATE: State;
}

/// A declared transition.
pub trait Leads<Next: Named>: Named {}

/// An integration known to be in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At<S: Named>(S);

impl<S: Named> At<S> {
    /// Moves on.
    ///
    /// ```compile_fail
    /// use syncline_model::status::{at, At};
    /// // Nothing comes back from deletion: there is no such transition.
    /// fn revive(gone: At<at::Deleted>) -> At<at::Live> { gone.to(at::Live) }
    /// ```
    /// ```
    /// use syncline_model::status::{at, At};
    /// fn rest(busy: At<at::Backfilling>) -> At<at::Live> { busy.to(at::Live) }
    /// ```
    pub fn to<Next: Named>(self, next: Next) -> At<Next>
    where
        S: Leads<Next>,
    {
        At(next)
    }

    /// As it is stored and shown.
    pub fn state(&self) -> State {
        S::STATE
    }
}

impl At<at::Draft> {
    /// Where every integration begins.
    pub fn draft() -> Self {
        Self(at::Draft)
    }
}

impl State {
    /// Moves on from a state that was read back, where only the check at run time is left. Staying is allowed.
    /// `None` if no such transition is declared.
    #[must_use]
    pub fn to(self, next: Self) -> Option<Self> {
        (self == next || self.next().contains(&next)).then_some(next)
    }

    /// The engine may read the source in this state.
    pub fn is_active(self) -> bool {
        match self {
            Self::Testing | Self::Backfilling | Self::Live | Self::Waiting | Self::Degraded => true,
            Self::Draft | Self::Authorizing | Self::ReauthRequired | Self::Paused | Self::Deleted => false,
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
