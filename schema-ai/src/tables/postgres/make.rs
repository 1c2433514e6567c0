//! Makes a tenant's schema and role. The role can log in once it was given a password; it reads its own schema, and has no right
//! anywhere else.

use rand::{RngExt, distr::Alphanumeric};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use syncline_model::{Secret, TenantId};

use super::{
    Server, catalog,
    fault::{fault, said},
    scram,
    sql::literal,
};
use crate::tables::{TableFault, TenantLogin, name::quoted};

/// Every tenant's role is in this group, so that `pg_hba.conf` can name all of them.
const GROUP: &str = "syncline_tenants";
const PASSWORD_CHARS: usize = 40;

/// Makes the schema, unless it is there. Refuses one that is not ours or not of this tenant.
pub(super) async fn schema(server: &Server, tenant: &TenantId) -> Result<(), TableFault> {
    let failed = |error: sqlx::Error| fault(tenant, &error);
    let mut connection = server.pool.acquire().await.map_err(failed)?;
    if !exists(&mut connection, server, tenant).await.map_err(failed)? {
        let mut step = connection.begin().await.map_err(failed)?;
        // Roles are made one after the other; whoever waited looks again.
        catalog::run(&mut step, "SELECT pg_advisory_xact_lock(hashtext('syncline tenants'))".to_owned()).await.map_err(failed)?;
        if !exists(&mut step, server, tenant).await.map_err(failed)? {
            role(&mut step, server, tenant).await?;
            make(&mut step, server, tenant).await.map_err(failed)?;
        }
        step.commit().await.map_err(failed)?;
    }
    let meta = format!(
        "SELECT (SELECT value FROM {0}._syncline_meta WHERE name = 'tenant'), \
         (SELECT value::bigint FROM {0}._syncline_meta WHERE name = 'format')",
        server.sql(tenant).schema
    );
    let row = sqlx::query(AssertSqlSafe(meta)).persistent(false).fetch_one(&mut *connection).await.map_err(failed)?;
    let (owner, found): (String, i64) = (row.get(0), row.get(1));
    if owner != tenant.as_str() {
        return Err(TableFault::ForeignTenant { owner, asked: tenant.to_string() });
    }
    if found > catalog::FORMAT {
        return Err(TableFault::Newer { tenant: tenant.to_string(), found, known: catalog::FORMAT });
    }
    Ok(())
}

/// The tenant has tables.
pub(super) async fn exists(db: &mut PgConnection, server: &Server, tenant: &TenantId) -> sqlx::Result<bool> {
    let meta = format!("{}._syncline_meta", server.sql(tenant).schema);
    sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(meta).fetch_one(db).await
}

/// All tenants of this installation that have tables, each with how many rows were ever written there, as PostgreSQL counts.
pub(super) async fn tenants(server: &Server) -> Result<Vec<(TenantId, String)>, TableFault> {
    let asked = "SELECT schemaname::text, sum(n_tup_ins + n_tup_upd + n_tup_del)::text FROM pg_stat_user_tables \
                 WHERE starts_with(schemaname, $1) GROUP BY schemaname HAVING bool_or(relname = '_syncline_meta')";
    let found = sqlx::query(asked).bind(&server.prefix).fetch_all(&server.pool).await;
    let failed = |error: sqlx::Error| TableFault::Unavailable { tenant: "*".to_owned(), cause: said(&error) };
    let tenant = |row: &sqlx::postgres::PgRow| {
        let name: String = row.get(0);
        Some((name.strip_prefix(&server.prefix)?.parse().ok()?, row.get::<Option<String>, _>(1).unwrap_or_default()))
    };
    Ok(found.map_err(failed)?.iter().filter_map(tenant).collect())
}

async fn make(db: &mut PgConnection, server: &Server, tenant: &TenantId) -> sqlx::Result<()> {
    let (schema, role) = (server.sql(tenant).schema, quoted(&server.name_of(tenant)));
    let statements = format!(
        "CREATE SCHEMA {schema}; REVOKE ALL ON SCHEMA {schema} FROM PUBLIC; GRANT USAGE ON SCHEMA {schema} TO {role}; \
         ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {role}; SET LOCAL search_path = {schema}; {} \
         INSERT INTO _syncline_meta VALUES ('tenant', {}), ('format', '{}'), ('steps', '0'); SET LOCAL search_path TO DEFAULT",
        catalog::MAKE,
        literal(tenant.as_str()),
        catalog::FORMAT
    );
    catalog::run(db, statements).await
}

/// Makes the tenant's role. One that is there and is not ours is never taken over.
async fn role(db: &mut PgConnection, server: &Server, tenant: &TenantId) -> Result<(), TableFault> {
    let failed = |error: sqlx::Error| fault(tenant, &error);
    let name = server.name_of(tenant);
    let ours = format!("a tenant of Syncline in the database {}", server.database);
    let found = sqlx::query("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1")
        .bind(&name)
        .fetch_optional(&mut *db)
        .await
        .map_err(failed)?;
    let (role, note) = (quoted(&name), literal(&ours));
    let begin = match found {
        None => format!("CREATE ROLE {role}; COMMENT ON ROLE {role} IS {note};"),
        // What logged in as an earlier tenant of this name does not log in as this one.
        Some(row) if row.get::<Option<String>, _>(0).as_deref() == Some(ours.as_str()) => format!("ALTER ROLE {role} PASSWORD NULL;"),
        Some(_) => {
            let cause = format!("there is a role `{name}` that is not of this installation; choose another `tables.prefix`");
            return Err(TableFault::Unavailable { tenant: tenant.to_string(), cause });
        }
    };
    let statements = format!(
        "DO $$ BEGIN CREATE ROLE {GROUP} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; \
         {begin} ALTER ROLE {role} NOLOGIN NOINHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT 10; \
         ALTER ROLE {role} SET default_transaction_read_only = on; ALTER ROLE {role} SET statement_timeout = '5min'; \
         ALTER ROLE {role} SET idle_in_transaction_session_timeout = '5min'; ALTER ROLE {role} SET search_path = {}; \
         GRANT {GROUP} TO {role}",
        server.sql(tenant).schema
    );
    catalog::run(db, statements).await.map_err(failed)
}

/// Gives the tenant's role a new password.
pub(super) async fn login(server: &Server, tenant: &TenantId) -> Result<TenantLogin, TableFault> {
    schema(server, tenant).await?;
    let mut random = rand::rng();
    let password: String = (0..PASSWORD_CHARS).map(|_| char::from(random.sample(Alphanumeric))).collect();
    let verifier = scram::verifier(&password, random.random());
    let name = server.name_of(tenant);
    let statement = format!("ALTER ROLE {} LOGIN PASSWORD {}", quoted(&name), literal(&verifier));
    let mut connection = server.pool.acquire().await.map_err(|error| fault(tenant, &error))?;
    catalog::run(&mut connection, statement).await.map_err(|error| fault(tenant, &error))?;
    Ok(TenantLogin { database: server.database.clone(), schema: name.clone(), role: name, password: Secret::new(password) })
}

/// What the server's user needs to be allowed, before anything depends on it.
pub(super) async fn check(db: &mut PgConnection) -> Result<String, String> {
    let asked = "SELECT current_database()::text, current_user::text, has_database_privilege(current_database(), 'CREATE'), \
                 (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user)";
    let row = sqlx::query(asked).fetch_one(db).await.map_err(|error| said(&error))?;
    let (database, user): (String, String) = (row.get(0), row.get(1));
    if !row.get::<bool, _>(2) {
        return Err(format!("the role `{user}` may not make schemas in the database `{database}`: grant it CREATE on the database"));
    }
    if !row.get::<Option<bool>, _>(3).unwrap_or_default() {
        return Err(format!("the role `{user}` may not make roles: give it CREATEROLE"));
    }
    Ok(database)
}
