import type { Cases, Prepare } from './case.ts';

const nobody: Prepare = async ({ fresh }) => ({ ids: { id: fresh('nobody') }, body: { phone: '1' } });

export const CUSTOMER_CASES: Cases = {
  createCustomer: {
    good: async ({ fresh }) => ({ body: { id: fresh('customer'), name: 'Ada', email: 'ada@acme.example' } }),
    refusals: {
      customer_exists: async ({ customer }) => ({ body: { id: await customer(), name: 'Bob' } }),
      customer_id_taken: async ({ customer, operator }) => {
        const id = await customer();
        await operator('DELETE', `/api/v1/customers/${id}`);
        return { body: { id, name: 'Bob' } };
      },
    },
  },
  listCustomers: { good: async () => ({ query: 'page_size=2' }), refusals: {} },
  getCustomer: {
    good: async ({ customer }) => ({ ids: { id: await customer() } }),
    refusals: { customer_not_found: nobody },
  },
  changeCustomer: {
    good: async ({ customer }) => ({
      ids: { id: await customer() },
      body: { phone: '+49 1', is_active: true },
    }),
    refusals: { customer_not_found: nobody },
  },
  deleteCustomer: {
    good: async ({ customer }) => ({ ids: { id: await customer() } }),
    refusals: {
      customer_not_found: nobody,
      customer_in_use: async ({ license }) => ({ ids: { id: (await license()).customer_id } }),
    },
  },
};
