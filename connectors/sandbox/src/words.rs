//! The three providers and their streams.

use serde::{Deserialize, Serialize};

/// One of the fake providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// A web shop: page numbers, integer ids, prices as text, newest change first.
    Shop,
    /// A CRM: opaque cursors, everything is text, oldest change first.
    Crm,
    /// A payment service: `Link` headers, prefixed ids, epoch seconds, rows that vanish.
    Payments,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Shop, Self::Crm, Self::Payments];

    /// Its path prefix.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shop => "shop",
            Self::Crm => "crm",
            Self::Payments => "payments",
        }
    }

    /// The provider with this prefix.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.name() == name)
    }
}

/// One collection of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stream {
    /// People who buy.
    #[serde(rename = "shop.customers")]
    ShopCustomers,
    /// What is sold.
    #[serde(rename = "shop.products")]
    ShopProducts,
    /// What was bought, with line items.
    #[serde(rename = "shop.orders")]
    ShopOrders,
    /// Firms.
    #[serde(rename = "crm.companies")]
    CrmCompanies,
    /// People who work there.
    #[serde(rename = "crm.contacts")]
    CrmContacts,
    /// What may be sold to them.
    #[serde(rename = "crm.deals")]
    CrmDeals,
    /// What was written down about a few of the deals; read for each deal.
    #[serde(rename = "crm.deal_notes")]
    CrmDealNotes,
    /// People and firms who pay.
    #[serde(rename = "payments.customers")]
    PaymentsCustomers,
    /// What they paid.
    #[serde(rename = "payments.charges")]
    PaymentsCharges,
    /// What they were asked to pay.
    #[serde(rename = "payments.invoices")]
    PaymentsInvoices,
}

impl Stream {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ShopCustomers,
        Self::ShopProducts,
        Self::ShopOrders,
        Self::CrmCompanies,
        Self::CrmContacts,
        Self::CrmDeals,
        Self::CrmDealNotes,
        Self::PaymentsCustomers,
        Self::PaymentsCharges,
        Self::PaymentsInvoices,
    ];

    /// Those that are as big as asked and that change.
    pub const GROWING: [Self; 9] = [
        Self::ShopCustomers,
        Self::ShopProducts,
        Self::ShopOrders,
        Self::CrmCompanies,
        Self::CrmContacts,
        Self::CrmDeals,
        Self::PaymentsCustomers,
        Self::PaymentsCharges,
        Self::PaymentsInvoices,
    ];

    /// Whose it is.
    pub const fn provider(self) -> Provider {
        match self {
            Self::ShopCustomers | Self::ShopProducts | Self::ShopOrders => Provider::Shop,
            Self::CrmCompanies | Self::CrmContacts | Self::CrmDeals | Self::CrmDealNotes => Provider::Crm,
            Self::PaymentsCustomers | Self::PaymentsCharges | Self::PaymentsInvoices => Provider::Payments,
        }
    }

    /// Its name in its connector.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ShopCustomers | Self::PaymentsCustomers => "customers",
            Self::ShopProducts => "products",
            Self::ShopOrders => "orders",
            Self::CrmCompanies => "companies",
            Self::CrmContacts => "contacts",
            Self::CrmDeals => "deals",
            Self::CrmDealNotes => "deal_notes",
            Self::PaymentsCharges => "charges",
            Self::PaymentsInvoices => "invoices",
        }
    }

    /// The stream of this provider with this name.
    pub fn named(provider: Provider, name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.provider() == provider && stream.name() == name)
    }

    /// The stream with this full name: `shop.orders`.
    pub fn full_named(name: &str) -> Option<Self> {
        let (provider, stream) = name.split_once(['.', '/'])?;
        Self::named(Provider::named(provider)?, stream)
    }

    /// How many of a thousand records of the whole world are its own.
    pub(crate) const fn share(self) -> u64 {
        match self {
            Self::ShopCustomers => 100,
            Self::ShopProducts => 30,
            Self::ShopOrders => 270,
            Self::CrmCompanies => 50,
            Self::CrmContacts => 120,
            Self::CrmDeals | Self::PaymentsCustomers => 80,
            Self::PaymentsCharges => 200,
            Self::PaymentsInvoices => 70,
            Self::CrmDealNotes => 0,
        }
    }
}
