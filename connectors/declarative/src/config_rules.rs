use serde_json::Value; use syncline_model::Fault; use crate::problem::Problem;
#[derive(Debug, Clone, Default)] pub struct ConfigRules;
impl ConfigRules {
    pub fn load(_: &Value, _: &str) -> Result<Self, Problem> { Ok(Self) }
    pub fn migrate(&self, _: &mut Value) -> Result<bool, Fault> { Ok(false) }
    pub fn transform(&self, _: &mut Value) -> Result<(), Fault> { Ok(()) }
    pub fn validate(&self, _: &Value) -> Result<(), Fault> { Ok(()) }
}
