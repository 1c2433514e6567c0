//! Words for the parts that people, places and rows play in names, and for what makes of a thing a sort of it.

use super::naming::Role;

/// Parts that people play in a record, whose table is one of people.
const PEOPLE_ROLES: &[&str] = &[
    "manager",
    "mgr",
    "supervisor",
    "boss",
    "rep",
    "representative",
    "agent",
    "assignee",
    "requester",
    "submitter",
    "author",
    "owner",
    "creator",
    "reviewer",
    "approver",
    "reporter",
    "sender",
    "recipient",
    "buyer",
    "seller",
    "clerk",
    "leader",
    "lead",
    "contact",
    "member",
    "sponsor",
    "mentor",
    "teacher",
    "report",
    "assigned",
    "created",
    "updated",
    "modified",
    "closed",
    "merged",
    "approved",
    "actor",
    "commenter",
    "cashier",
    "editor",
    "host",
    "salesperson",
    "coach",
    "driver",
    "instructor",
    "advisor",
    "head",
    "chair",
    "director",
    "organizer",
    "collaborator",
    "follower",
    "salesman",
    "operator",
    "requestor",
    "responsible",
    "captain",
    "trainer",
    "tutor",
    "create",
    "write",
    "update",
    "modify",
    "modifier",
    "poster",
    "granted",
    "deleted",
    "ansprechpartner",
    "bearbeiter",
    "vorgesetzter",
    "leiter",
    "jefe",
    "responsable",
    "gerente",
    "vendedor",
    "vendeur",
    "chef",
    "coordinator",
    "coordinatore",
    "coordinador",
    "responsabile",
    "direttore",
    "autore",
    "venditore",
    "insegnante",
    "autor",
    "director",
    "directeur",
    "gestionnaire",
    "betreuer",
    "verkäufer",
    "autorin",
    "beheerder",
    "leidinggevende",
    "verkoper",
    "kierownik",
    "opiekun",
    "handläggare",
    "chefe",
];

/// Tables of people.
const PEOPLE: &[&str] = &[
    "employee",
    "user",
    "staff",
    "person",
    "contact",
    "agent",
    "member",
    "worker",
    "player",
    "customer",
    "individual",
    "people",
    "account",
    "author",
    "student",
    "instructor",
    "teacher",
    "emp",
    "master",
    "faculty",
    "professor",
    "operator",
    "participant",
    "mitarbeiter",
    "benutzer",
    "empleado",
    "usuario",
    "employé",
    "employe",
    "utilisateur",
    "funcionario",
    "dipendente",
    "utente",
    "medewerker",
    "docente",
    "professore",
    "profesor",
    "lehrer",
    "enseignant",
    "professeur",
    "impiegato",
    "personal",
    "pracownik",
    "anställd",
    "leraar",
    "nutzer",
    "utilizador",
    "gebruiker",
];

/// Parts that places play in a record, whose table is one of places.
const PLACE_ROLES: &[&str] =
    &["origin", "destination", "dest", "departure", "arrival", "pickup", "dropoff", "from", "to", "source", "birthplace", "capital"];

/// Tables of places.
const PLACES: &[&str] =
    &["airport", "station", "location", "place", "port", "warehouse", "city", "stop", "terminal", "depot", "site", "store"];

/// Words that make of a thing a sort of it: a vote type is no vote.
pub const SORTS: &[&str] =
    &["type", "status", "state", "category", "kind", "class", "level", "group", "priority", "stage", "reason", "method"];

/// Words for a row that stands over others of its own table.
const PARENTS: &[&str] = &[
    "parent",
    "manager",
    "report",
    "supervisor",
    "boss",
    "root",
    "previous",
    "prev",
    "next",
    "original",
    "superior",
    "reply",
    "mgr",
    "vorgesetzter",
    "jefe",
];

/// Whether a word makes of a thing a sort of it.
pub fn is_sort(word: &str) -> bool {
    SORTS.contains(&word)
}

/// Whether a role is one that places play.
pub fn of_somewhere(role: &Role) -> bool {
    role.words.iter().any(|word| PLACE_ROLES.contains(&word.as_str()))
}

/// Where a role is one that places play: what it says of a table, if that is one of places; the capital of anything is a city.
pub fn places(role: &Role, table: &[String]) -> f64 {
    match table.iter().any(|word| PLACES.contains(&word.as_str())) {
        true if role.words == ["capital"] && table == ["city"] => 0.9,
        true => 0.78,
        false => 0.0,
    }
}

/// Whether a role is one that people play.
pub fn of_somebody(role: &Role) -> bool {
    // Written together, a role comes last: an `accountmanager`.
    let plays = |word: &String| {
        let ends = |part: &str| part.len() > 4 && word.len() > part.len() + 2 && word.ends_with(part);
        PEOPLE_ROLES.contains(&word.as_str()) || PEOPLE_ROLES.iter().any(|part| ends(part))
    };
    role.by || role.words.iter().any(plays)
}

/// Whether a table is one of people: `sales_person` is, `user_email` is not.
pub fn of_people(table: &[String]) -> bool {
    // `account_account` is one of bookkeeping.
    let booked = table.len() > 1 && table.last().is_some_and(|word| word == "account");
    !booked && table.last().is_some_and(|word| PEOPLE.contains(&word.as_str()))
}

/// Whether a role points at another row of the same table.
pub fn parent(role: &Role) -> bool {
    // Without an id it must be all that the name says: a `root_level` is no row.
    (role.id > 0.0 || role.words.len() == 1) && role.words.iter().any(|word| PARENTS.contains(&word.as_str()))
}

/// Whether a role is that of who leads others, and the table one of those who are looked after: the manager of a customer is none.
pub fn looks_after(role: &Role, table: &[String]) -> bool {
    let leads = |word: &String| matches!(word.as_str(), "manager" | "mgr" | "supervisor" | "boss" | "superior" | "vorgesetzter" | "jefe");
    let after = |word: &String| {
        matches!(word.as_str(), "customer" | "client" | "contact" | "account" | "lead" | "student" | "patient" | "kunde" | "cliente")
    };
    role.words.iter().any(leads) && table.last().is_some_and(after)
}
