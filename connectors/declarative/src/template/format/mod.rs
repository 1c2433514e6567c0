//! Python's two languages for filling values into a text: `'%s' % x` and `'{}'.format(x)`.

mod braces;
mod number;
mod percent;

pub use self::{braces::format_text, number::fixed, percent::percent};
