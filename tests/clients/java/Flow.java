/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The flow of a Java program that keeps its disks with us: arguments are the URL, then NAME ADDRESS PORT DIRECTORY of each satellite.
 * Ends with status 1 and a text at the first thing that is not as a client may expect it.
 */
import com.linbit.linstor.api.ApiClient;
import com.linbit.linstor.api.ApiException;
import com.linbit.linstor.api.DevelopersApi;
import com.linbit.linstor.api.model.*;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

public class Flow {
    static void check(boolean holds, String text) {
        if (!holds)
            throw new IllegalStateException(text);
    }

    static void succeeded(ApiCallRcList answers, String what) {
        check(answers != null && !answers.isEmpty(), what + ": empty answer");
        for (ApiCallRc entry : answers)
            check((entry.getRetCode() & 0xC000000000000000L) != 0xC000000000000000L, what + ": " + entry.getMessage());
    }

    public static void main(String[] arguments) throws Exception {
        ApiClient client = new ApiClient();
        client.setBasePath(arguments[0]);
        DevelopersApi api = new DevelopersApi(client);
        List<String> none = Collections.emptyList();

        check(api.controllerVersion().getRestApiVersion() != null, "no version");
        List<String> names = new ArrayList<>();
        for (int i = 1; i + 3 < arguments.length; i += 4) {
            String name = arguments[i];
            names.add(name);
            NetInterface nic = new NetInterface();
            nic.setName("default");
            nic.setAddress(arguments[i + 1]);
            nic.setSatellitePort(Integer.valueOf(arguments[i + 2]));
            nic.setSatelliteEncryptionType(NetInterface.SatelliteEncryptionTypeEnum.PLAIN);
            Node node = new Node();
            node.setName(name);
            node.setType(Node.TypeEnum.SATELLITE);
            node.setNetInterfaces(new ArrayList<>(List.of(nic)));
            succeeded(api.nodeAdd(node), "node create");
            long deadline = System.nanoTime() + 30_000_000_000L;
            while (api.nodeList(List.of(name), none, null, null).get(0).getConnectionStatus() != Node.ConnectionStatusEnum.ONLINE) {
                check(System.nanoTime() < deadline, name + " does not come ONLINE");
                Thread.sleep(50);
            }
            StoragePool pool = new StoragePool();
            pool.setStoragePoolName("thin");
            pool.setProviderKind(ProviderKind.FILE_THIN);
            Properties props = new Properties();
            props.put("StorDriver/StorPoolName", arguments[i + 3]);
            pool.setProps(props);
            succeeded(api.nodeStoragePoolCreate(name, pool), "storage pool create");
        }
        check(api.viewStoragePools(none, none, none, null, null, null).size() == 2 * names.size(), "storage pools of the view");

        ResourceGroup group = new ResourceGroup();
        group.setName("java");
        AutoSelectFilter filter = new AutoSelectFilter();
        filter.setPlaceCount(2);
        filter.setLayerStack(List.of("STORAGE"));
        group.setSelectFilter(filter);
        succeeded(api.resourceGroupCreate(group), "resource group create");
        ResourceGroupSpawn spawn = new ResourceGroupSpawn();
        spawn.setResourceDefinitionName("disk");
        spawn.setVolumeSizes(List.of(65536L));
        succeeded(api.resourceGroupSpawn("java", spawn), "spawn");

        List<ResourceWithVolumes> view = api.viewResources(none, List.of("disk"), none, none, null, null);
        check(view.size() == 2, "two replicas");
        for (ResourceWithVolumes resource : view) {
            check(resource.getVolumes().size() == 1, "one volume");
            check(resource.getVolumes().get(0).getDevicePath().startsWith("/dev/"), "a device path");
            check(resource.getVolumes().get(0).getProviderKind() == ProviderKind.FILE_THIN, "the kind of provider");
        }
        check(api.resourceList("disk", null, null).size() == 2, "resource list");

        ResourceDefinitionModify modify = new ResourceDefinitionModify();
        Properties aux = new Properties();
        aux.put("Aux/java", "yes");
        modify.setOverrideProps(aux);
        succeeded(api.resourceDefinitionModify("disk", modify), "properties");
        check("yes".equals(api.resourceDefinitionList(List.of("disk"), none, null, null).get(0).getProps().get("Aux/java")),
            "the property");
        VolumeDefinitionModify grow = new VolumeDefinitionModify();
        grow.setSizeKib(131072L);
        succeeded(api.volumeDefinitionModify("disk", 0, grow), "resize");
        check(api.volumeDefinitionList("disk", null, null).get(0).getSizeKib() == 131072L, "the size");

        try {
            ResourceDefinition definition = new ResourceDefinition();
            definition.setName("disk");
            ResourceDefinitionCreate create = new ResourceDefinitionCreate();
            create.setResourceDefinition(definition);
            api.resourceDefinitionCreate(create);
            check(false, "a name can be given twice");
        } catch (ApiException refused) {
            check(refused.getCode() == 500, "status of a refusal: " + refused.getCode());
        }
        succeeded(api.resourceDefinitionDelete("disk"), "delete");
        check(api.viewResources(none, none, none, none, null, null).isEmpty(), "nothing is left");
        succeeded(api.resourceGroupDelete("java"), "resource group delete");
        System.out.println("done");
    }
}
