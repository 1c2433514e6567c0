//! What the streams of one job share: tokens, kept answers. It lives as long as the job and belongs to one integration alone, so
//! nothing in it can reach another tenant.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// One value of each type.
#[derive(Default)]
pub struct Shared(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Shared {
    /// The value of this type, made at its first use.
    pub fn get<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = values.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        // What lies under a type's id is of that type; a fresh one is right if it ever were not.
        Arc::clone(kept).downcast().unwrap_or_default()
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::Shared;

    #[test]
    fn everybody_who_asks_for_a_type_gets_the_same_value() {
        let shared = Shared::default();
        *shared.get::<Mutex<u32>>().lock().unwrap_or_else(std::sync::PoisonError::into_inner) += 1;
        let again: Arc<Mutex<u32>> = shared.get();
        assert_eq!(*again.lock().unwrap_or_else(std::sync::PoisonError::into_inner), 1);
    }
}
