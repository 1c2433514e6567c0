//! What the events mean: profile, keys, relations, matching, resolution, plans and tables.
