//! The tables of the store, made and changed step by step: expand, then contract.
