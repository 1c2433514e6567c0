//! Parents of other streams are read once in a job.

use serde_json::Value;

/// The parents of other streams keep their answers for the whole job, unless their requester says no: every stream that hangs on
/// them then reads them once.
pub fn keep_parents(manifest: &mut Value) {
    let mut names = Vec::new();
    if let Some(streams) = manifest.get_mut("streams").and_then(Value::as_array_mut) {
        for stream in streams.iter_mut() {
            for router in routers(stream) {
                keep_in_router(router, &mut names);
            }
        }
        for stream in streams
            .iter_mut()
            .filter(|stream| stream.get("name").and_then(Value::as_str).is_some_and(|name| names.iter().any(|known| known == name)))
        {
            keep(stream);
        }
    }
}

fn routers(stream: &mut Value) -> Vec<&mut Value> {
    match stream.get_mut("retriever").and_then(|retriever| retriever.get_mut("partition_router")) {
        Some(Value::Array(items)) => items.iter_mut().collect(),
        Some(router) => vec![router],
        None => Vec::new(),
    }
}

fn keep_in_router(router: &mut Value, names: &mut Vec<String>) {
    for parent in router.get_mut("parent_stream_configs").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(stream) = parent.get_mut("stream") else { continue };
        names.extend(stream.get("name").and_then(Value::as_str).map(str::to_owned));
        keep(stream);
    }
    for inner in router.get_mut("partition_routers").and_then(Value::as_array_mut).into_iter().flatten() {
        keep_in_router(inner, names);
    }
    if let Some(inner) = router.get_mut("underlying_partition_router") {
        keep_in_router(inner, names);
    }
}

fn keep(stream: &mut Value) {
    for way in ["full_refresh_stream", "incremental_stream"] {
        if let Some(inner) = stream.get_mut(way) {
            keep(inner);
        }
    }
    let requester = stream.get_mut("retriever").and_then(|retriever| retriever.get_mut("requester")).and_then(Value::as_object_mut);
    if let Some(requester) = requester
        && requester.get("use_cache") != Some(&Value::Bool(false))
    {
        requester.insert("use_cache".to_owned(), Value::Bool(true));
    }
}
