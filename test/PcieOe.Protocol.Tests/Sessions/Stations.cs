using System.Buffers.Binary;
using PcieOe.Protocol.Discovery;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;
using Xunit;

namespace PcieOe.Protocol.Tests.Sessions;

/// <summary>Numbers in place of TLPs, four bytes each, which come in order or show that they do not.</summary>
internal sealed class CountingSink : ITlpSink
{
    public List<uint> Received { get; } = [];

    public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now)
    {
        for (; tlps.Length >= 4; tlps = tlps[4..])
        {
            Received.Add(BinaryPrimitives.ReadUInt32BigEndian(tlps));
        }
    }

    public static void Send(ITlpTransmitter transmitter, uint value)
    {
        Span<byte> room = transmitter.Reserve(4);
        Assert.Equal(4, room.Length);
        BinaryPrimitives.WriteUInt32BigEndian(room, value);
        transmitter.Commit(4);
    }
}

/// <summary>A host with one session, which writes down what it is told.</summary>
internal sealed class HostStation : IStation, IHostSessionEvents, IDisposable
{
    private readonly byte[] _header = new byte[48];
    private readonly byte[] _scratch = new byte[9216];

    public HostStation(HostSessionOptions options, MacAddress address, int seed)
    {
        Address = address;
        Session = new HostSession(options, Sink, this, new SeededRandomSource(seed));
    }

    public HostSession Session { get; }

    public CountingSink Sink { get; } = new();

    /// <summary>What happened, in words.</summary>
    public List<string> Events { get; } = [];

    public MacAddress Address { get; }

    public bool IsTarget => false;

    public long NextDeadline => Session.NextDeadline;

    public Func<HandshakeJob, HandshakeResult> Execute { get; set; } = HandshakeWork.Execute;

    public void OnFrame(ReadOnlySpan<byte> frame, MacAddress source, long now) => Session.OnFrame(frame, source, now);

    public void Pump(long now, Action<WireFrame> send)
    {
        Session.OnTimer(now);
        while (Session.TryTakeHandshakeJob(out HandshakeJob? job))
        {
            Session.OnHandshakeResult(Execute(job), now);
        }

        while (Session.TryGetFrameToSend(now, _header, _scratch, out ReadOnlySpan<byte> content, out MacAddress destination))
        {
            send(new WireFrame(Address, destination, [.. _header, .. content]));
        }
    }

    public void OnEstablished(HostSessionKind kind, in HostSessionInfo info, long now) => Events.Add($"established {kind}");

    public void OnOutage(long now) => Events.Add("outage");

    public void OnLost(SessionEnd reason, bool reconnects, long now) => Events.Add($"lost {reason}{(reconnects ? " reconnects" : "")}");

    public void OnRefused(AcceptStatus reason, bool isAuthentic, long now) =>
        Events.Add($"refused {reason}{(isAuthentic ? "" : " by somebody")}");

    public void Dispose() => Session.Dispose();
}

/// <summary>A target that gives any function whose name it has, and writes down what it is told.</summary>
internal sealed class TargetStation : IStation, ITargetSessionPolicy, IDisposable
{
    private const int LargeBatch = 2;

    private readonly byte[] _header = new byte[48];
    private readonly byte[] _scratch = new byte[9216];

    public TargetStation(TargetSessionsOptions options, MacAddress address, int seed)
    {
        Address = address;
        Sessions = new TargetSessions(options, this, new SeededRandomSource(seed));
    }

    public TargetSessions Sessions { get; }

    public HashSet<string> Functions { get; } = ["nvme0", "nvme1"];

    public List<string> Events { get; } = [];

    /// <summary>What came for each function, over all its sessions.</summary>
    public Dictionary<string, CountingSink> Sinks { get; } = [];

    public TargetSession? LastAttached { get; private set; }

    public MacAddress Address { get; }

    public bool IsTarget => true;

    public long NextDeadline => Sessions.NextDeadline;

    public Func<HandshakeJob, HandshakeResult> Execute { get; set; } = HandshakeWork.Execute;

    public void OnFrame(ReadOnlySpan<byte> frame, MacAddress source, long now) => Sessions.OnFrame(frame, source, now);

    public void Pump(long now, Action<WireFrame> send)
    {
        Sessions.OnTimer(now);
        while (Sessions.TryTakeHandshakeJob(out HandshakeJob? job))
        {
            Sessions.OnHandshakeResult(Execute(job), now);
        }

        // In rounds, as a daemon does: behind some frames, one that is being filled is kept back until the next.
        for (int frames = -1; frames != 0;)
        {
            frames = 0;
            while (Sessions.TryGetFrameToSend(
                now, _header, _scratch, out ReadOnlySpan<byte> content, out MacAddress destination, out _, mayCloseFrame: frames < LargeBatch))
            {
                send(new WireFrame(Address, destination, [.. _header, .. content]));
                frames++;
            }
        }
    }

    public AttachDecision Decide(string hostName, string functionName)
    {
        string name = functionName.Length == 0 ? "nvme0" : functionName;
        return Functions.Contains(name) ? AttachDecision.Grant(name) : AttachDecision.Refuse(AcceptStatus.NoSuchFunction);
    }

    public IReadOnlyList<FunctionDescription> ListFunctions(string hostName) =>
        [.. Functions.Order(StringComparer.Ordinal).Select(name => new FunctionDescription(name, 1 << 30))];

    public ITlpSink? OnAttached(TargetSession session, SessionStart start, long now)
    {
        if (!Functions.Contains(session.FunctionName))
        {
            return null;
        }

        Events.Add($"attached {session.HostName} {session.FunctionName} {start}");
        LastAttached = session;
        return Sinks.TryGetValue(session.FunctionName, out CountingSink? sink) ? sink : Sinks[session.FunctionName] = new CountingSink();
    }

    public void OnDetached(TargetSession session, SessionEnd reason, long now) =>
        Events.Add($"detached {session.HostName} {session.FunctionName} {reason}");

    public void Dispose() => Sessions.Dispose();
}

/// <summary>The usual cast: keys or none, one target, hosts as needed.</summary>
internal sealed class SessionLab : IDisposable
{
    public static readonly MacAddress TargetAddress = new(0x0200_0000_0001);
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)(i * 5))];

    private readonly List<IDisposable> _stations = [];
    private readonly bool _keyed;

    public SessionLab(bool keyed, Func<TargetSessionsOptions, TargetSessionsOptions>? change = null)
    {
        _keyed = keyed;
        Change = change ?? (options => options);
        Target = AddTarget();
    }

    public Segment Segment { get; } = new();

    /// <summary>The next station's.</summary>
    public int Seed { get; set; } = 1;

    public TargetStation Target { get; private set; }

    public Func<TargetSessionsOptions, TargetSessionsOptions> Change { get; set; }

    public static HostCredential Credential(string name) => new(name, [.. Key, .. System.Text.Encoding.UTF8.GetBytes(name)]);

    public TargetStation AddTarget()
    {
        var options = new TargetSessionsOptions
        {
            TargetName = "flash",
            Hosts = _keyed ? [Credential("alpha"), Credential("beta")] : null,
            RekeyIntervalFrames = 64,
        };
        var target = new TargetStation(Change(options), TargetAddress, Seed++);
        Segment.Add(target);
        _stations.Add(target);
        return target;
    }

    /// <summary>The target's process ends without a word, and another begins.</summary>
    public void RestartTarget()
    {
        Segment.Remove(Target);
        Target = AddTarget();
    }

    public HostStation AddHost(string name, string function = "nvme0", Func<HostSessionOptions, HostSessionOptions>? change = null)
    {
        var options = new HostSessionOptions
        {
            HostName = name,
            Credential = _keyed ? Credential(name) : null,
            TargetName = "flash",
            FunctionName = function,
        };
        int seed = Seed++;
        var host = new HostStation(change is null ? options : change(options), new MacAddress(0x0200_0000_0100 + (ulong)seed), seed);
        Segment.Add(host);
        _stations.Add(host);
        host.Session.Start(Segment.Now);
        return host;
    }

    /// <summary>A host that has a session.</summary>
    public HostStation Connect(string name, string function = "nvme0")
    {
        HostStation host = AddHost(name, function);
        Assert.True(Segment.RunUntil(() => host.Session.State == HostSessionState.Established && Target.Events.Any(e => e.StartsWith($"attached {name}"))));
        return host;
    }

    /// <summary>Both sides send numbers, and all of them arrive, in order.</summary>
    public void Exchange(HostStation host, int count = 100)
    {
        Assert.True(Segment.RunUntil(() => host.Session.State == HostSessionState.Established
            && Target.LastAttached is { IsEstablished: true } session && session.Id == host.Session.TargetSessionId));
        CountingSink atTarget = Target.Sinks[Target.LastAttached!.FunctionName];
        int hostBefore = host.Sink.Received.Count, targetBefore = atTarget.Received.Count;
        for (uint i = 0; i < count; i++)
        {
            CountingSink.Send(host.Session.Transmitter, i);
            CountingSink.Send(Target.LastAttached!.Transmitter, i + 1_000_000);
        }

        Assert.True(Segment.RunUntil(() => host.Sink.Received.Count == hostBefore + count && atTarget.Received.Count == targetBefore + count));
        Assert.Equal(Enumerable.Range(0, count).Select(i => (uint)i), atTarget.Received.Skip(targetBefore));
        Assert.Equal(Enumerable.Range(1_000_000, count).Select(i => (uint)i), host.Sink.Received.Skip(hostBefore));
    }

    public void Dispose()
    {
        foreach (IDisposable station in _stations)
        {
            station.Dispose();
        }
    }
}
