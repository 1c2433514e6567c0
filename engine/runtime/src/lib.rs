//! What keeps it all running: actors, supervision, the pump, pace, schedules, health.
