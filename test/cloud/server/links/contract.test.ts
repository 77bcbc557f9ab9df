import t from 'tap';
import { linksContract } from '../../../contract/links.ts';
import { startTestCloud } from '../../../helpers/cloud.ts';

t.setTimeout(500_000);

linksContract(t, startTestCloud);
