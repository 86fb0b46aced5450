-- The statements of a run at the customer's account and what they took of virtual warehouses, as JSON.
ALTER TABLE runs ADD COLUMN usage TEXT;
