//! The components of the language and the fields that each of them has, so that a word that is none of them is told with the nearest
//! that is.

use serde_json::{Map, Value};
use syncline_model::nearest;

use crate::{places::join, problem::Problem};

#[rustfmt::skip]
const COMPONENTS: &[(&str, &[&str])] = &[
    ("AddFields", &["fields", "condition"]),
    ("AddedFieldDefinition", &["path", "value", "value_type"]),
    ("ApiKeyAuthenticator", &["api_token", "header", "inject_into"]),
    ("AsyncJobStatusMap", &["running", "completed", "failed", "timeout", "skipped"]),
    ("AsyncRetriever", &["record_selector", "status_mapping", "status_extractor", "download_target_extractor", "download_extractor", "creation_requester", "polling_requester", "polling_job_timeout", "failed_retry_wait_time_in_seconds", "download_target_requester", "download_requester", "download_paginator", "abort_requester", "delete_requester", "partition_router", "decoder", "download_decoder"]),
    ("BasicHttpAuthenticator", &["username", "password"]),
    ("BearerAuthenticator", &["api_token"]),
    ("BlockSimultaneousSyncsAction", &[]),
    ("CheckDynamicStream", &["stream_count", "use_check_availability", "config_overrides"]),
    ("CheckStream", &["stream_names", "dynamic_streams_check_configs", "config_overrides"]),
    ("CombinedExtractor", &["extractors", "mode", "skip_empty_records"]),
    ("ComplexFieldType", &["field_type", "items"]),
    ("ComponentMappingDefinition", &["field_path", "value", "value_type", "create_or_update", "condition"]),
    ("CompositeErrorHandler", &["error_handlers"]),
    ("ConcurrencyLevel", &["default_concurrency", "max_concurrency"]),
    ("ConditionalStreams", &["condition", "streams"]),
    ("ConfigAddFields", &["fields", "condition"]),
    ("ConfigComponentsResolver", &["stream_config", "components_mapping"]),
    ("ConfigMigration", &["description", "transformations"]),
    ("ConfigNormalizationRules", &["config_migrations", "transformations", "validations"]),
    ("ConfigRemapField", &["map", "field_path"]),
    ("ConfigRemoveFields", &["field_pointers", "condition"]),
    ("ConstantBackoffStrategy", &["backoff_time_in_seconds", "jitter_range_in_seconds"]),
    ("CsvDecoder", &["encoding", "delimiter", "set_values_to_none"]),
    ("CursorPagination", &["cursor_value", "page_size", "stop_condition"]),
    ("CustomAuthenticator", &["class_name"]),
    ("CustomBackoffStrategy", &["class_name"]),
    ("CustomConfigTransformation", &["class_name"]),
    ("CustomDecoder", &["class_name"]),
    ("CustomErrorHandler", &["class_name"]),
    ("CustomPaginationStrategy", &["class_name"]),
    ("CustomPartitionRouter", &["class_name"]),
    ("CustomRecordExtractor", &["class_name"]),
    ("CustomRecordFilter", &["class_name"]),
    ("CustomRequester", &["class_name"]),
    ("CustomRetriever", &["class_name"]),
    ("CustomSchemaLoader", &["class_name"]),
    ("CustomSchemaNormalization", &["class_name"]),
    ("CustomStateMigration", &["class_name"]),
    ("CustomTransformation", &["class_name"]),
    ("CustomValidationStrategy", &["class_name"]),
    ("DatetimeBasedCursor", &["clamping", "cursor_field", "allow_catalog_defined_cursor_field", "cursor_datetime_formats", "start_datetime", "start_time_option", "end_datetime", "end_time_option", "datetime_format", "cursor_granularity", "is_data_feed", "is_client_side_incremental", "is_compare_strictly", "global_substream_cursor", "lookback_window", "partition_field_end", "partition_field_start", "step"]),
    ("DeclarativeSource", &["check", "streams", "dynamic_streams", "version", "schemas", "definitions", "spec", "concurrency_level", "api_budget", "stream_groups", "max_concurrent_async_job_count", "metadata", "description"]),
    ("DeclarativeStream", &["name", "retriever", "incremental_sync", "primary_key", "schema_loader", "transformations", "state_migrations", "file_uploader"]),
    ("DefaultErrorHandler", &["backoff_strategies", "max_retries", "response_filters"]),
    ("DefaultPaginator", &["pagination_strategy", "page_size_option", "page_token_option"]),
    ("DpathExtractor", &["field_path", "record_expander"]),
    ("DpathFlattenFields", &["field_path", "delete_origin_value", "replace_record", "key_transformation"]),
    ("DpathValidator", &["field_path", "validation_strategy"]),
    ("DynamicDeclarativeStream", &["name", "stream_template", "components_resolver", "use_parent_parameters"]),
    ("DynamicSchemaLoader", &["retriever", "schema_filter", "schema_transformations", "schema_type_identifier"]),
    ("DynamicStreamCheckConfig", &["dynamic_stream_name", "stream_count"]),
    ("ExponentialBackoffStrategy", &["factor", "jitter_range_in_seconds"]),
    ("FileUploader", &["requester", "download_target_extractor", "file_extractor", "filename_extractor"]),
    ("FixedWindowCallRatePolicy", &["period", "call_limit", "matchers"]),
    ("FlattenFields", &["flatten_lists"]),
    ("GroupByKeyMergeStrategy", &["key"]),
    ("GroupingPartitionRouter", &["group_size", "underlying_partition_router", "deduplicate"]),
    ("GzipDecoder", &["decoder"]),
    ("HTTPAPIBudget", &["policies", "ratelimit_reset_header", "ratelimit_remaining_header", "status_codes_for_ratelimit_hit"]),
    ("HttpComponentsResolver", &["retriever", "components_mapping"]),
    ("HttpRequestRegexMatcher", &["method", "url_base", "url_path_pattern", "params", "headers", "weight"]),
    ("HttpRequester", &["url_base", "url", "path", "http_method", "authenticator", "fetch_properties_from_endpoint", "query_properties", "request_parameters", "request_headers", "request_body_data", "request_body_json", "request_body", "error_handler", "use_cache", "connect_timeout_in_seconds", "read_timeout_in_seconds", "use_tcp_keepalive"]),
    ("HttpResponseFilter", &["action", "failure_type", "error_message", "error_message_contains", "http_codes", "predicate"]),
    ("IncrementingCountCursor", &["cursor_field", "allow_catalog_defined_cursor_field", "start_value", "start_value_option"]),
    ("InlineSchemaLoader", &["schema"]),
    ("IterableDecoder", &[]),
    ("JsonDecoder", &[]),
    ("JsonFileSchemaLoader", &["file_path"]),
    ("JsonItemsDecoder", &["items_path", "encoding"]),
    ("JsonSchemaPropertySelector", &["transformations"]),
    ("JsonlDecoder", &[]),
    ("JwtAuthenticator", &["secret_key", "base64_encode_secret_key", "algorithm", "token_duration", "header_prefix", "jwt_headers", "additional_jwt_headers", "jwt_payload", "additional_jwt_payload", "passphrase", "request_option"]),
    ("KeyTransformation", &["prefix", "suffix"]),
    ("KeysReplace", &["old", "new"]),
    ("KeysToLower", &[]),
    ("KeysToSnakeCase", &[]),
    ("LegacySessionTokenAuthenticator", &["header", "login_url", "session_token", "session_token_response_key", "username", "password", "validate_session_url"]),
    ("LegacyToPerPartitionStateMigration", &[]),
    ("ListPartitionRouter", &["cursor_field", "values", "request_option"]),
    ("MinMaxDatetime", &["datetime", "datetime_format", "max_datetime", "min_datetime"]),
    ("MovingWindowCallRatePolicy", &["rates", "matchers"]),
    ("NoAuth", &[]),
    ("NoPagination", &[]),
    ("OAuthAuthenticator", &["client_id_name", "client_id", "client_secret_name", "client_secret", "refresh_token_name", "refresh_token", "token_refresh_endpoint", "access_token_name", "access_token_value", "expires_in_name", "grant_type_name", "grant_type", "refresh_request_body", "refresh_request_headers", "send_refresh_request_as_query_params", "scopes", "token_expiry_date", "token_expiry_date_format", "refresh_token_error_status_codes", "refresh_token_error_key", "refresh_token_error_values", "refresh_token_updater", "profile_assertion", "use_profile_assertion"]),
    ("OffsetIncrement", &["page_size", "inject_on_first_request"]),
    ("PageIncrement", &["page_size", "start_from_page", "inject_on_first_request"]),
    ("PageSizeReduction", &["reduction_factor", "minimum_page_size", "max_attempts", "backoff_seconds", "retries_at_minimum_page_size", "failure_message", "reset_policy"]),
    ("PaginationReset", &["action", "limits"]),
    ("PaginationResetLimits", &["number_of_records"]),
    ("ParametrizedComponentsResolver", &["stream_parameters", "components_mapping"]),
    ("ParentFieldPath", &["parent_path", "record_path"]),
    ("ParentStreamConfig", &["stream", "parent_key", "partition_field", "request_option", "incremental_dependency", "lazy_read_pointer", "extra_fields"]),
    ("PredicateValidator", &["value", "validation_strategy"]),
    ("PropertiesFromEndpoint", &["property_field_path", "retriever"]),
    ("PropertyChunking", &["property_limit_type", "property_limit", "record_merge_strategy"]),
    ("QueryProperties", &["property_list", "always_include_properties", "property_chunking", "property_selector"]),
    ("QuotaStatusSource", &["url", "http_method", "request_headers", "unavailable_status_codes"]),
    ("Rate", &["limit", "interval"]),
    ("RateLimitedMultipleTokenAuthenticator", &["tokens", "token_delimiter", "auth_method", "header", "quota_status_source", "quotas", "max_wait_time", "budget_reserve_fraction", "budget_min_reserve"]),
    ("RecordExpander", &["expand_records_from_field", "remain_original_record", "parent_fields", "merge_parent", "on_no_records", "truncation_indicator_path", "truncated_list_retriever"]),
    ("RecordFilter", &["condition"]),
    ("RecordSelector", &["extractor", "record_filter", "schema_normalization", "transform_before_filtering"]),
    ("RemoveFields", &["condition", "field_pointers"]),
    ("RequestBodyGraphQL", &["value"]),
    ("RequestBodyJsonObject", &["value"]),
    ("RequestBodyPlainText", &["value"]),
    ("RequestBodyUrlEncodedForm", &["value"]),
    ("RequestOption", &["inject_into", "field_name", "field_path"]),
    ("RequestPath", &[]),
    ("RequestWindowSplitting", &["failure_message", "min_split_window"]),
    ("ResponseToFileExtractor", &["preserve_na_values"]),
    ("SchemaTypeIdentifier", &["schema_pointer", "key_pointer", "type_pointer", "types_mapping"]),
    ("SelectiveAuthenticator", &["authenticator_selection_path", "authenticators"]),
    ("SessionTokenAuthenticator", &["login_requester", "session_token_path", "expiration_duration", "request_authentication", "decoder"]),
    ("SessionTokenRequestApiKeyAuthenticator", &["inject_into", "api_token"]),
    ("SessionTokenRequestBearerAuthenticator", &[]),
    ("SimpleRetriever", &["requester", "decoder", "record_selector", "paginator", "pagination_reset", "page_size_reduction", "request_window_splitting", "ignore_stream_slicer_parameters_on_paginated_requests", "partition_router"]),
    ("Spec", &["connection_specification", "documentation_url", "advanced_auth", "config_normalization_rules"]),
    ("StateDelegatingStream", &["name", "full_refresh_stream", "incremental_stream", "api_retention_period"]),
    ("StreamConfig", &["configs_pointer", "default_values"]),
    ("StreamParametersDefinition", &["list_of_parameters_for_stream"]),
    ("SubstreamPartitionRouter", &["parent_stream_configs"]),
    ("TokenQuota", &["name", "remaining_path", "reset_path", "limit_path", "matchers", "remaining_header", "reset_header", "limit_header", "exhaustion_status_codes"]),
    ("TypesMap", &["target_type", "current_type", "condition"]),
    ("UnionPartitionRouter", &["partition_field", "partition_routers"]),
    ("UnlimitedCallRatePolicy", &["matchers"]),
    ("ValidateAdheresToSchema", &["base_schema"]),
    ("WaitTimeFromHeader", &["header", "regex", "max_waiting_time_in_seconds"]),
    ("WaitTimeFromResponse", &["wait_time_in_seconds", "max_waiting_time_in_seconds"]),
    ("WaitUntilTimeFromHeader", &["header", "min_wait", "regex", "max_waiting_time_in_seconds"]),
    ("XmlDecoder", &[]),
    ("ZipfileDecoder", &["decoder"]),
];

/// What JSON Schemas hold is not ours to check.
pub const FOREIGN: [&str; 6] = ["schema", "schemas", "connection_specification", "metadata", "$parameters", "config_overrides"];

/// Other names of components, and fields that older manifests have and that mean nothing any more.
const OLD: [&str; 6] = ["name", "primary_key", "path", "stream_cursor_field", "url_base", "stream_slicer"];

/// Every component and field of a manifest that is not known here, before references are resolved. `$parameters` may give a component
/// fields that it does not have; those do no harm.
pub fn unknown(node: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    walk(node, "", &mut problems);
    problems
}

fn walk(node: &Value, path: &str, problems: &mut Vec<Problem>) {
    match node {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| walk(item, &format!("{path}[{index}]"), problems)),
        Value::Object(fields) => {
            check(fields, path, problems);
            for (name, inner) in fields.iter().filter(|(name, _)| !FOREIGN.contains(&name.as_str())) {
                walk(inner, &join(path, name), problems);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn check(fields: &Map<String, Value>, path: &str, problems: &mut Vec<Problem>) {
    let is_kind = |kind: &&str| kind.starts_with(|first: char| first.is_ascii_uppercase()) && !kind.starts_with("Custom");
    let Some(kind) = fields.get("type").and_then(Value::as_str).filter(is_kind) else { return };
    let Some((_, known)) = COMPONENTS.iter().find(|(name, _)| *name == kind) else {
        let hint = nearest::hint(kind, COMPONENTS.iter().map(|(name, _)| *name));
        problems.push(Problem::manifest(&join(path, "type"), format!("there is no component `{kind}`{hint}")));
        return;
    };
    let is_known = |name: &str| ["type", "$ref", "$parameters"].contains(&name) || known.contains(&name) || OLD.contains(&name);
    for name in fields.keys().filter(|name| !is_known(name)) {
        let hint = nearest::hint(name, known.iter().copied());
        problems.push(Problem::manifest(&join(path, name), format!("`{kind}` has no field `{name}`{hint}")));
    }
}
