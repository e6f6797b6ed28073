//! What the database floor changes: on it the database withholds labelled columns, so that Weir need not refuse what
//! it cannot follow; and it serves nobody while it has a hole.

use super::Judge;
use crate::refusal::{Cause, Refusal};
use crate::verdict::Judged;
use crate::world::{Identity, World};

/// The rule that refuses masked sessions while the floor has a hole.
const DRIFT: &str = "weir.floor-drift";

impl Judge<'_> {
    /// Whether the session logged in as the floor's role.
    pub(super) fn on_floor(&self) -> bool {
        let floor = self.world.floor.as_ref();
        floor.is_some_and(|floor| *floor.role == *self.session.who.upstream_user)
    }

    /// Whether labelled values are out of the session's reach, by the database's own checks.
    pub(super) fn withheld(&self) -> bool {
        self.on_floor()
            && self.world.labels.unresolved().is_empty()
            && self.world.floor.as_ref().is_some_and(|f| f.is_sound())
    }

    /// The refusal of whatever must not run on this login.
    pub(super) fn floor(&self, judged: &Judged) -> Option<Refusal> {
        self.world.floor.as_ref()?;
        if judged.foresight.touches_nothing {
            return None;
        }
        if self.on_floor() {
            return drift(self.world, self.session.who);
        }
        self.masks_anything().then(|| {
            Refusal::new(
                Cause::Masked,
                "weir.floor-login",
                "since you connected, labels or policies changed so that values are masked for you, which this database does for another login only",
            )
            .hint("Connect again.")
        })
    }
}

/// Why masked sessions of a target are refused, if its floor has a hole.
#[must_use]
pub fn drift(world: &World, who: &Identity) -> Option<Refusal> {
    let drift = &world.floor.as_ref()?.drift;
    let first = drift.first()?;
    let more = match drift.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    let message = format!(
        "raw values are within reach of the database role of masked sessions, so they are refused: it {}{more}",
        first.what
    );
    let hint = format!(
        "Tell an operator: `weir floor check --target {}` lists what to take back, `weir floor apply` does.",
        who.target.name
    );
    let objects = drift.iter().take(20).map(|d| d.object.clone());
    Some(
        Refusal::new(Cause::Masked, DRIFT, message)
            .objects(objects.collect())
            .hint(hint),
    )
}
