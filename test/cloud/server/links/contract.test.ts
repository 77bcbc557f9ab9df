import t from 'tap';
import { linksContract } from '../../../contract/links.ts';
import { startTestCloud } from '../../../helpers/cloud.ts';

linksContract(t, startTestCloud);
