//! What a connector is: the Connector trait, Http (the only way out), settings and their checks.
