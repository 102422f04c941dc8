// A Medusa shop on 127.0.0.1; where its database is and how it signs come from the environment.
const { defineConfig } = require('@medusajs/framework/utils');

module.exports = defineConfig({
    projectConfig: {
        databaseUrl: process.env.DATABASE_URL,
        databaseDriverOptions: { connection: { ssl: false } },
        http: {
            host: '127.0.0.1',
            storeCors: '',
            adminCors: '',
            authCors: '',
            jwtSecret: process.env.PASSWORD,
            cookieSecret: process.env.PASSWORD,
        },
    },
    admin: { disable: true },
});
