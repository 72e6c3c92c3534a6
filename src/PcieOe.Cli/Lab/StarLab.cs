using System.Diagnostics;

namespace PcieOe.Cli.Lab;

/// <summary>
/// Several network namespaces, each with one interface, joined by a bridge in a namespace of its own: boxes at a switch. Disposing it ends
/// the processes; the rest vanishes with them.
/// </summary>
internal sealed class StarLab : IDisposable
{
    private const string BridgeName = "switch0";

    private readonly NetworkNamespace _center;
    private readonly List<NetworkNamespace> _places = [];
    private readonly List<Process> _processes = [];

    /// <param name="places">How many boxes.</param>
    /// <exception cref="LabException">This process may not, or the kernel lacks what it takes.</exception>
    internal StarLab(int places, int mtu)
    {
        _center = NetworkNamespace.Create("switch");
        try
        {
            _center.Run(() => RouteNetlink.CreateBridge(BridgeName));
            for (int i = 0; i < places; i++)
            {
                NetworkNamespace place = NetworkNamespace.Create($"box{i}");
                _places.Add(place);
                string socket = $"port{i}";
                _center.Run(() =>
                {
                    RouteNetlink.CreateVirtualEthernetPair(socket, NetworkLab.InterfaceName, place.Descriptor, mtu);
                    RouteNetlink.SetMaster(socket, BridgeName);
                    RouteNetlink.SetUp(socket, true);
                });
                place.Run(() => RouteNetlink.SetUp(NetworkLab.InterfaceName, true));
            }

            _center.Run(() => RouteNetlink.SetUp(BridgeName, true));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Gives a box's link a rate, both ways: a token bucket in front of a first-in first-out queue at either end.</summary>
    internal void Shape(int place, double megabitsPerSecond, int burstBytes, int queueBytes)
    {
        ulong bytesPerSecond = (ulong)(megabitsPerSecond * 125_000);
        _center.Run(() => RouteNetlink.AddTokenBucket($"port{place}", bytesPerSecond, burstBytes, queueBytes));
        _places[place].Run(() => RouteNetlink.AddTokenBucket(NetworkLab.InterfaceName, bytesPerSecond, burstBytes, queueBytes));
    }

    /// <summary>Starts a process in a box; it ends with the lab at the latest.</summary>
    /// <param name="processor">The one processor that the process may use; null: any.</param>
    internal Process Start(int place, ProcessStartInfo start, int? processor = null)
    {
        Process process = _places[place].Start(start, processor);
        lock (_processes)
        {
            _processes.Add(process);
        }

        return process;
    }

    /// <summary>Ends the processes at once; from any thread.</summary>
    internal void EndProcesses()
    {
        Process[] processes;
        lock (_processes)
        {
            processes = [.. _processes];
        }

        foreach (Process process in processes.Where(process => !process.HasExited))
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }
    }

    public void Dispose()
    {
        EndProcesses();
        _processes.ForEach(process => process.Dispose());
        _places.ForEach(place => place.Dispose());
        _center.Dispose();
    }
}
