//! SmartModule and derivation of the derived topic `level-engagement`.
