//! One way to write what people write in many: letters without marks, mail addresses, telephone numbers, companies.

/// Lower case, without accents; what is neither letter nor digit becomes a space.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            '\'' | '’' | '`' | '\u{300}'..='\u{36f}' => {}
            _ if c.is_ascii() => space(&mut out),
            _ => match plain(c) {
                Some(letters) => out.push_str(letters),
                None if c.is_alphanumeric() => out.push(c),
                None => space(&mut out),
            },
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn space(out: &mut String) {
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ä' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'č' | 'ĉ' | 'ċ' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' | 'ĕ' => "e",
        'ğ' | 'ĝ' | 'ġ' | 'ģ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' | 'ĩ' => "i",
        'ķ' => "k",
        'ł' | 'ĺ' | 'ļ' | 'ľ' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' | 'ŝ' => "s",
        'ß' => "ss",
        'ť' | 'ţ' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' | 'ų' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ž' | 'ż' => "z",
        _ => return None,
    })
}

/// A mail address without what does not matter to where mail goes: case, a `+tag`, and the dots of hosts that ignore them.
pub fn email(text: &str) -> Option<(String, String)> {
    let text = text.trim().to_lowercase();
    let (name, host) = text.split_once('@')?;
    let name = name.split('+').next().unwrap_or(name);
    let host = if host == "googlemail.com" { "gmail.com" } else { host };
    let name = if host == "gmail.com" { name.replace('.', "") } else { name.to_owned() };
    (!name.is_empty() && !host.is_empty()).then(|| (name, host.to_owned()))
}

/// A whole number without the `.0` that tables which know no whole numbers put behind it: `2001.0` is 2001.
pub fn whole(text: &str) -> &str {
    let text = text.trim();
    match text.split_once('.') {
        Some((number, zeros)) if !number.is_empty() && !zeros.is_empty() => {
            let digits = number.bytes().all(|byte| byte.is_ascii_digit());
            if digits && zeros.bytes().all(|byte| byte == b'0') { number } else { text }
        }
        _ => text,
    }
}

/// Mailboxes that belong to a role and not to a person.
pub fn is_role_mailbox(name: &str) -> bool {
    matches!(
        name,
        "info"
            | "sales"
            | "support"
            | "admin"
            | "contact"
            | "office"
            | "hello"
            | "billing"
            | "accounts"
            | "accounting"
            | "team"
            | "mail"
            | "noreply"
            | "no-reply"
            | "help"
            | "service"
            | "orders"
            | "hr"
            | "jobs"
            | "marketing"
            | "webmaster"
            | "postmaster"
            | "enquiries"
            | "accountspayable"
    )
}

/// The words of a text. Codes such as `PS-LX350H` stay whole, other hyphens cut.
pub fn tokens(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for piece in text.split(|c: char| c.is_whitespace() || matches!(c, '/' | ',' | ';' | '(' | ')' | '|' | '"' | '&')) {
        let digits = piece.bytes().any(|byte| byte.is_ascii_digit());
        let folded = fold(piece);
        if digits && folded.len() <= 24 {
            let whole: String = folded.chars().filter(|c| *c != ' ').collect();
            if !whole.is_empty() {
                words.push(whole);
            }
        } else {
            words.extend(folded.split(' ').filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
    words
}

/// Whether a word is a code: letters and digits, or many digits.
pub fn is_code(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    (digits >= 2 && letters >= 1 && word.len() >= 4) || digits >= 5
}
