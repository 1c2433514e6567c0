//! A shell's wildcards within a name, as Python's `fnmatch` has them: `*`, `?`, `[seq]` and `[!seq]`.

/// Whether a name fits, large and small letters told apart.
pub fn fits(glob: &str, name: &str) -> bool {
    let (glob, name): (Vec<char>, Vec<char>) = (glob.chars().collect(), name.chars().collect());
    let (mut g, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        let next = glob.get(g).and_then(|sign| if *sign == '*' { None } else { one(&glob, g, name[n]) });
        if glob.get(g) == Some(&'*') {
            star = Some((g + 1, n));
            g += 1;
        } else if let Some(behind) = next {
            g = behind;
            n += 1;
        } else if let Some((behind, from)) = star {
            star = Some((behind, from + 1));
            (g, n) = (behind, from + 1);
        } else {
            return false;
        }
    }
    glob[g.min(glob.len())..].iter().all(|sign| *sign == '*')
}

/// Where a glob goes on if what stands at `g` fits one character.
fn one(glob: &[char], g: usize, character: char) -> Option<usize> {
    match glob[g] {
        '?' => Some(g + 1),
        '[' => {
            let negated = glob.get(g + 1) == Some(&'!');
            let begin = g + 1 + usize::from(negated);
            // A bracket right behind the opening one is one of the characters.
            let close = glob.iter().skip(begin + 1).position(|sign| *sign == ']').map(|at| at + begin + 1);
            let Some(close) = close else { return (character == '[').then_some(g + 1) };
            (in_class(&glob[begin..close], character) != negated).then_some(close + 1)
        }
        other => (other == character).then_some(g + 1),
    }
}

fn in_class(class: &[char], character: char) -> bool {
    let mut at = 0;
    while at < class.len() {
        if class.get(at + 1) == Some(&'-') && at + 2 < class.len() {
            if (class[at]..=class[at + 2]).contains(&character) {
                return true;
            }
            at += 3;
        } else if class[at] == character {
            return true;
        } else {
            at += 1;
        }
    }
    false
}
