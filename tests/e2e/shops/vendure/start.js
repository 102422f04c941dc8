// A Vendure shop in memory on 127.0.0.1: PORT and PASSWORD come from the environment.
// Prints READY once its APIs answer.
const {
    bootstrap, DefaultJobQueuePlugin, DefaultLogger, dummyPaymentHandler, JobQueueService,
    LanguageCode, LogLevel,
} = require('@vendure/core');
const { populate } = require('@vendure/core/cli');

const config = {
    apiOptions: { hostname: '127.0.0.1', port: Number(process.env.PORT) },
    authOptions: {
        tokenMethod: ['bearer'],
        superadminCredentials: { identifier: 'superadmin', password: process.env.PASSWORD },
        requireVerification: false,
    },
    dbConnectionOptions: { type: 'sqljs', synchronize: true, autoSave: false },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
    logger: new DefaultLogger({ level: LogLevel.Error }),
    plugins: [DefaultJobQueuePlugin.init({})],
};

const shop = {
    defaultLanguage: LanguageCode.en,
    countries: [{ name: 'United Kingdom', code: 'GB', zone: 'UK' }],
    defaultZone: 'UK',
    taxRates: [{ name: 'Standard', percentage: 20 }],
    shippingMethods: [{ name: 'Standard', price: 500 }],
    paymentMethods: [
        {
            name: 'Dummy',
            handler: {
                code: dummyPaymentHandler.code,
                arguments: [{ name: 'automaticSettle', value: 'true' }],
            },
        },
    ],
    collections: [],
};

async function main() {
    const app = await populate(() => bootstrap(config), shop);
    await app.get(JobQueueService).start();
    console.log('READY');
}

main().catch(error => {
    console.error(error);
    process.exit(1);
});
