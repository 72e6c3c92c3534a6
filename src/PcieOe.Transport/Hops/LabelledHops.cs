using System.Numerics;
using PcieOe.Protocol.Hops;

namespace PcieOe.Transport.Hops;

/// <summary>What commands are told apart by.</summary>
/// <param name="Tenant">Whom they count for.</param>
/// <param name="Class">Of the tenant's classes, the first is 1; 0: there is no policy.</param>
/// <param name="Opcode">The function's own operation code.</param>
/// <param name="SizeBytes">User data, rounded up to a power of two.</param>
/// <param name="IsRetransmitted">While it was under way a frame of its session was lost, or sent again.</param>
public readonly record struct HopLabels(string Tenant, byte Class, byte Opcode, int SizeBytes, bool IsRetransmitted)
{
    public static int RoundSize(long dataBytes) => dataBytes <= 0 ? 0 : (int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(dataBytes, 1 << 30));
}

/// <summary>
/// Hop histograms by label. One thread records, and never makes members: some are made at the start, and for each that it takes another
/// one on the thread pool. Commands of labels beyond the limit, or for which there is no member yet, count in the last one, whose labels
/// are empty. Other threads may read at any time.
/// </summary>
/// <remarks>
/// A member is complete before a volatile write puts it where the recording thread looks for it, and has its labels before another one of
/// <see cref="_count"/> tells readers of it. Who makes members holds <see cref="_making"/>, which the recording thread never takes.
/// </remarks>
public sealed class LabelledHops : IDisposable
{
    public const int DefaultCapacity = 64;

    /// <summary>Members that stand ready for labels that come.</summary>
    private const int Ahead = 8;

    private readonly Hop _firstHop;
    private readonly Hop _lastHop;
    private readonly HopLabels[] _labels;
    private readonly HopHistograms?[] _histograms;
    private readonly HopHistograms _rest;
    private readonly Lock _making = new();
    private readonly AutoResetEvent? _isTaken;
    private readonly RegisteredWaitHandle? _maker;
    private int _made;
    private int _count;
    private bool _isDisposed;

    /// <param name="first">The hops that are known: from this one</param>
    /// <param name="last">to this one.</param>
    /// <param name="capacity">The last member included.</param>
    /// <param name="areMade">All members are made at the start.</param>
    public LabelledHops(Hop first = Hop.Submit, Hop last = Hop.Complete, int capacity = DefaultCapacity, bool areMade = false)
    {
        _firstHop = first;
        _lastHop = last;
        _labels = new HopLabels[capacity - 1];
        _histograms = new HopHistograms?[capacity - 1];
        _rest = new HopHistograms(first, last);
        MakeAhead(areMade ? capacity : Ahead);
        if (!areMade)
        {
            _isTaken = new AutoResetEvent(false);
            _maker = ThreadPool.RegisterWaitForSingleObject(
                _isTaken, static (hops, _) => ((LabelledHops)hops!).MakeAhead(Ahead), this, Timeout.Infinite, executeOnlyOnce: false);
        }
    }

    public int Count => Volatile.Read(ref _count) + (_rest.Count > 0 ? 1 : 0);

    public (HopLabels Labels, HopHistograms Histograms) this[int index] =>
        index < Volatile.Read(ref _count) ? (_labels[index], _histograms[index]!) : (new HopLabels(string.Empty, 0, 0, 0, false), _rest);

    /// <summary>Commands recorded.</summary>
    public long Sampled
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < Count; i++)
            {
                sum += this[i].Histograms.Count;
            }

            return sum;
        }
    }

    /// <summary>Members that there are, taken or not; the last one apart.</summary>
    internal int Made => Volatile.Read(ref _made);

    /// <summary>The histograms for commands of these labels.</summary>
    public HopHistograms For(in HopLabels labels)
    {
        for (int i = 0; i < _count; i++)
        {
            ref readonly HopLabels known = ref _labels[i];
            if (known.Opcode == labels.Opcode && known.SizeBytes == labels.SizeBytes && known.IsRetransmitted == labels.IsRetransmitted
                && known.Class == labels.Class && known.Tenant == labels.Tenant)
            {
                return _histograms[i]!;
            }
        }

        if (_count == _histograms.Length || Volatile.Read(ref _histograms[_count]) is not { } added)
        {
            return _rest;
        }

        _labels[_count] = labels;
        Volatile.Write(ref _count, _count + 1);
        _isTaken?.Set();
        return added;
    }

    /// <summary>Makes members, so that there are so many for labels that come. Not on the recording thread.</summary>
    public void MakeAhead(int count)
    {
        lock (_making)
        {
            int wanted = Math.Min(Volatile.Read(ref _count) + count, _histograms.Length);
            while (_made < wanted && !_isDisposed)
            {
                Volatile.Write(ref _histograms[_made], new HopHistograms(_firstHop, _lastHop));
                Volatile.Write(ref _made, _made + 1);
            }
        }
    }

    /// <summary>Adds what another one of the same hops has recorded.</summary>
    public void Add(LabelledHops other)
    {
        for (int i = 0; i < other.Count; i++)
        {
            (HopLabels labels, HopHistograms histograms) = other[i];
            (ReferenceEquals(histograms, other._rest) ? _rest : For(labels)).Add(histograms);
        }
    }

    /// <summary>All of them in one.</summary>
    public HopHistograms Merge()
    {
        HopHistograms all = new(_firstHop, _lastHop);
        for (int i = 0; i < Count; i++)
        {
            all.Add(this[i].Histograms);
        }

        return all;
    }

    public void Dispose()
    {
        _maker?.Unregister(null);
        _isTaken?.Dispose();
        lock (_making)
        {
            _isDisposed = true;
            foreach (HopHistograms? histograms in _histograms)
            {
                histograms?.Dispose();
            }
        }

        _rest.Dispose();
    }
}
