//! Where events wait: the EventLog port on embedded storage, and the suite that every implementation passes.
