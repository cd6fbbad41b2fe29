//! SmartModule and derivation of the derived topic `purchase-summaries`.
