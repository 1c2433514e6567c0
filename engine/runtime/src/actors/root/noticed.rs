//! Webhooks that only say that there is something new: the streams are read, once for all that is said within a while.

use std::{collections::HashSet, time::Duration};

use actix::{AsyncContext, Context, Handler};
use syncline_model::{StreamName, ledger::Trigger};

use super::Root;
use crate::{actors::messages::Noticed, lanes::Key, roster::Wanted};

/// What is said within this time is one reading.
const TOGETHER: Duration = Duration::from_secs(1);

impl Root {
    /// The streams that a job reads which was set off by webhooks; `None` means all. Whatever is read now is new enough for all that was
    /// said until now.
    pub(super) fn noticed_by(&mut self, key: &Key, wanted: &Wanted) -> Option<HashSet<StreamName>> {
        let noticed = self.noticed.remove(key);
        noticed.filter(|_| wanted.trigger == Trigger::Webhook)
    }

    /// Has the streams read soon, if nothing reads them now; if something does, it comes behind that.
    pub(super) fn read_noticed(key: Key, context: &mut Context<Self>) {
        context.run_later(TOGETHER, move |root, context| {
            if root.stopping || !root.noticed.contains_key(&key) || root.runs.contains_key(&key) {
                return;
            }
            let now = root.now();
            if !root.roster.notice(key.clone(), now) {
                // It is not ours, or rests; it goes on where it was read to.
                root.noticed.remove(&key);
            }
            root.turn(context);
        });
    }
}

impl Handler<Noticed> for Root {
    type Result = ();

    fn handle(&mut self, Noticed { key, streams }: Noticed, context: &mut Context<Self>) {
        let is_first = !self.noticed.contains_key(&key);
        self.noticed.entry(key.clone()).or_default().extend(streams);
        if is_first {
            Self::read_noticed(key, context);
        }
    }
}
