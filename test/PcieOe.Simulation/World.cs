using System.Globalization;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Sessions;

namespace PcieOe.Simulation;

/// <summary>
/// One seed: a target and some hosts on a network that does everything wrong, in virtual time. Time jumps to whatever happens next;
/// when nothing comes of what happens, that is a deadlock.
/// </summary>
internal sealed class World : IDisposable
{
    private const long LongestWithoutProgress = 200_000_000_000;
    private const long LongestClosing = 400_000_000_000;
    private const int MostRoundsAtOneTime = 10_000;
    private const long LargestClockOffset = 1L << 42;

    private readonly Scenario _scenario;
    private readonly FramePool _pool;
    private readonly TargetStation _target;
    private readonly List<HostStation> _hosts = [];
    private readonly List<HostLanes> _lanes = [];
    private readonly Dictionary<MacAddress, SimulatedPath> _pathsToHosts = [];
    private readonly List<IStation> _stations = [];
    private readonly List<SimulatedPath> _paths = [];
    private readonly Misfortunes _misfortunes;
    private readonly HashSet<IStation> _touched = [];
    private long _progressAt;
    private int _roundsAtThisTime;

    public World(Scenario scenario, SimulationRandom random, FramePool pool, Totals totals)
    {
        _scenario = scenario;
        _pool = pool;
        Random = random;
        Totals = totals;
        Network = new SimulatedNetwork(scenario.PollNanoseconds);
        HostCredential[] credentials = [.. Enumerable.Range(0, scenario.Hosts).Select(host => new HostCredential(HostName(host), Key(host)))];
        _target = new TargetStation(
            this,
            scenario,
            new TargetSessionsOptions
            {
                TargetName = "target",
                Hosts = scenario.Keyed ? credentials : null,
                LeaseMilliseconds = scenario.LeaseMilliseconds,
                RekeyIntervalFrames = scenario.RekeyIntervalFrames,
                Link = scenario.TargetLink,
            },
            random.Between(0, LargestClockOffset));
        _stations.Add(_target);
        for (int host = 0; host < scenario.Hosts; host++)
        {
            AddHost(host, scenario.Keyed ? credentials[host] : null);
        }

        _misfortunes = new Misfortunes(scenario, random, totals, _stations, _paths);
    }

    public static MacAddress TargetAddress => new(0x0200_0000_0001);

    public long Now { get; private set; } = 1_000_000_000;

    public SimulationRandom Random { get; }

    public SimulatedNetwork Network { get; }

    public FlowLedger Ledger { get; } = new();

    public Totals Totals { get; }

    /// <summary>Follows from everything that happened, so that two runs can be compared.</summary>
    public ulong Digest { get; private set; }

    public static void CheckAcceptedOnce(SimulatedFrame frame, bool accepted)
    {
        if (accepted && frame.Origin.Accepted)
        {
            throw new SimulationFailureException("A frame was accepted twice.");
        }

        frame.Origin.Accepted |= accepted;
    }

    public SendBatch CreateBatch() => new(_scenario, Random, _pool, Totals);

    public HostLanes LanesOf(string hostName) => _lanes[int.Parse(hostName.AsSpan(4), CultureInfo.InvariantCulture)];

    public SimulatedPath PathTo(MacAddress host) => _pathsToHosts[host];

    /// <summary>Until every TLP has arrived, then until every session is closed.</summary>
    public void Run()
    {
        _progressAt = Now;
        while (!_lanes.TrueForAll(lanes => lanes.ToTarget.IsDone && lanes.FromTarget.IsDone))
        {
            Step();
            CheckProgress();
            _misfortunes.OnProgress(_lanes.Sum(lanes => lanes.ToTarget.Delivered + lanes.FromTarget.Delivered), Now);
        }

        CloseAll();
    }

    /// <summary>Where it stands, for whoever looks into a failure.</summary>
    public string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"at {Now / 1e9:F6} s, last delivery at {_progressAt / 1e9:F6} s; {_scenario}; {string.Join("; ", _hosts.Select(host => host.Describe()))}");

    public void Dispose()
    {
        _target.Dispose();
        _hosts.ForEach(host => host.Dispose());
        while (Network.NextArrival != long.MaxValue)
        {
            _pool.Return(Network.Dequeue());
        }
    }

    internal static string HostName(int host) => string.Create(CultureInfo.InvariantCulture, $"host{host}");

    private static byte[] Key(int host) => [.. Enumerable.Range(0, 32).Select(i => (byte)(17 * host + i))];

    private void AddHost(int index, HostCredential? credential)
    {
        var lanes = new HostLanes(
            new Lane($"{HostName(index)} to target", _scenario, Totals), new Lane($"target to {HostName(index)}", _scenario, Totals));
        _lanes.Add(lanes);
        var options = new HostSessionOptions
        {
            HostName = HostName(index),
            Credential = credential,
            TargetName = "target",
            TargetAddress = Random.Chance(0.5) ? TargetAddress : HandshakeAddresses.Targets,
            ClockExchangeMilliseconds = _scenario.ClockExchangeMilliseconds,
            Link = _scenario.HostLink,
        };
        var address = new MacAddress(0x0200_0000_1000 + (ulong)index);
        var host = new HostStation(this, options, address, Random.Between(0, LargestClockOffset), lanes.ToTarget, lanes.FromTarget);
        host.Path = new SimulatedPath(_scenario, Random, _pool, Totals, _target, address);
        _pathsToHosts[address] = new SimulatedPath(_scenario, Random, _pool, Totals, host, TargetAddress);
        _paths.AddRange([host.Path, _pathsToHosts[address]]);
        _hosts.Add(host);
        _stations.Add(host);
    }

    private void Step()
    {
        long next = Network.NextArrival;
        foreach (IStation station in _stations)
        {
            next = Math.Min(next, station.NextDeadline);
        }

        if (next == long.MaxValue)
        {
            throw new SimulationFailureException("Deadlock: nothing will ever happen again.");
        }

        _roundsAtThisTime = next > Now ? 0 : _roundsAtThisTime + 1;
        if (_roundsAtThisTime > MostRoundsAtOneTime)
        {
            throw new SimulationFailureException("Livelock: a station asks to be called at once, again and again.");
        }

        Now = Math.Max(Now, next);
        while (Network.NextArrival <= Now)
        {
            SimulatedFrame frame = Network.Dequeue();
            Digest = SimulationRandom.Mix(Digest ^ (ulong)Now ^ (ulong)frame.Length << 48 ^ (ulong)frame.Order << 32);
            IStation receiver = frame.Path.Receiver;
            frame.Path.OnArrival(frame);
            receiver.OnFrame(frame, Now);
            _touched.Add(receiver);
            _pool.Return(frame);
        }

        foreach (IStation station in _stations)
        {
            if (_touched.Contains(station) || station.NextDeadline <= Now)
            {
                station.Pump(Now);
            }
        }

        _touched.Clear();
    }

    private void CheckProgress()
    {
        if (Ledger.HasProgress)
        {
            Ledger.HasProgress = false;
            _progressAt = Now;
        }
        else if (Now - _progressAt > LongestWithoutProgress)
        {
            throw new SimulationFailureException("Deadlock: nothing has been delivered for 200 s, though the network works.");
        }
    }

    private void CloseAll()
    {
        long end = Now + LongestClosing;
        foreach (HostStation host in _hosts)
        {
            host.Close(Now);
            host.Pump(Now);
        }

        while (!_target.IsEmpty || !_hosts.TrueForAll(host => host.IsClosed))
        {
            Step();
            if (Now > end)
            {
                throw new SimulationFailureException("Deadlock: the sessions do not close.");
            }
        }
    }
}

/// <summary>Both directions of a host.</summary>
internal sealed record HostLanes(Lane ToTarget, Lane FromTarget);
