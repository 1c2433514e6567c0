//! The plan as JSON.

use serde_json::{Value, json};

use super::Plan;
use crate::organize::concepts::{Entity, Field, FieldSource};
use crate::organize::normalize::{Column, Stream, Table};
use crate::organize::relations::Relation;

/// The whole plan.
pub fn plan(plan: &Plan) -> Value {
    json!({
        "streams": plan.streams.iter().map(stream).collect::<Vec<_>>(),
        "tables": plan.streams.iter().flat_map(|stream| stream.tables.iter().map(move |one| table(stream, one))).collect::<Vec<_>>(),
        "relations": plan.relations.iter().map(relation).collect::<Vec<_>>(),
        "entities": plan.entities.iter().map(entity).collect::<Vec<_>>(),
    })
}

fn stream(stream: &Stream) -> Value {
    let profile = &stream.profile;
    json!({"name": stream.name, "records": profile.records, "malformed": profile.malformed, "paths": profile.paths() - 1, "folded": profile.folded})
}

fn table(stream: &Stream, table: &Table) -> Value {
    json!({
        "name": table.name,
        "stream": table.stream,
        "path": table.path,
        "parent": table.parent,
        "rows": table.rows,
        "map": table.is_map,
        "unions": table.unions.iter().map(|(path, tag)| json!({"path": path, "tag": tag})).collect::<Vec<_>>(),
        "primary_key": table.primary_key,
        "primary_key_confidence": rounded(table.key_confidence),
        "columns": table.columns.iter().map(|one| column(stream, one)).collect::<Vec<_>>(),
    })
}

fn column(stream: &Stream, column: &Column) -> Value {
    let stats = &stream.profile.node(column.node).stats;
    let mut shown = json!({
        "name": column.name,
        "path": column.path,
        "type": column.typed.kind,
        "logical": column.typed.logical,
        "filled": stats.scalars(),
        "distinct": stats.sketch.distinct(),
    });
    if column.typed.misfits > 0 {
        shown["misfits"] = json!(column.typed.misfits);
    }
    if column.is_overflow {
        shown["overflow"] = json!(true);
    }
    if column.expandable {
        shown["expandable"] = json!(true);
    }
    shown
}

fn relation(relation: &Relation) -> Value {
    let why = &relation.evidence;
    json!({
        "from": {"stream": relation.from_stream, "columns": relation.from},
        "to": {"stream": relation.to_stream, "columns": relation.to},
        "confidence": rounded(relation.confidence),
        "evidence": {
            "contained": rounded(why.contained), "coverage": rounded(why.coverage), "specific": rounded(why.specific),
            "name": rounded(why.name), "shape": rounded(why.shape),
        },
    })
}

fn entity(entity: &Entity) -> Value {
    json!({"name": entity.name, "streams": entity.streams, "fields": fields(&entity.fields), "more": fields(&entity.more)})
}

fn fields(fields: &[Field]) -> Vec<Value> {
    let source = |source: &FieldSource| json!({"stream": source.stream, "path": source.path, "confidence": rounded(source.confidence)});
    fields.iter().map(|field| json!({"name": field.name, "sources": field.sources.iter().map(source).collect::<Vec<_>>()})).collect()
}

/// Three digits are as much as a confidence means.
pub fn rounded(score: f64) -> f64 {
    (score * 1000.0).round() / 1000.0
}
