using System.Numerics;
using PcieOe.Protocol.Hops;
using PcieOe.Transport.Hops;

namespace PcieOe.Target.Hops;

/// <summary>
/// A target's own hop histograms, by tenant, opcode and size. The worker writes and adds members, up to a limit; beyond it commands count
/// in the last one, whose labels are empty. Other threads may read at any time: a member is complete before <see cref="Count"/> tells of it.
/// </summary>
internal sealed class HopTotals : IDisposable
{
    public const int Capacity = 64;

    private readonly HopTotal[] _members = new HopTotal[Capacity];
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public HopTotal this[int index] => _members[index];

    /// <summary>The histograms for a command of these labels; made for the first of them.</summary>
    public HopHistograms For(string tenant, byte opcode, int dataBytes)
    {
        int size = dataBytes == 0 ? 0 : (int)BitOperations.RoundUpToPowerOf2((uint)dataBytes);
        for (int i = 0; i < _count; i++)
        {
            HopTotal member = _members[i];
            if (member.Opcode == opcode && member.SizeBytes == size && member.Tenant == tenant)
            {
                return member.Histograms;
            }
        }

        if (_count == Capacity)
        {
            return _members[Capacity - 1].Histograms;
        }

        bool isLast = _count == Capacity - 1;
        HopTotal added = new(
            isLast ? string.Empty : tenant, isLast ? (byte)0 : opcode, isLast ? 0 : size, new HopHistograms(Hop.TargetReceive, Hop.TargetTransmit));
        _members[_count] = added;
        Volatile.Write(ref _count, _count + 1);
        return added.Histograms;
    }

    public void Dispose()
    {
        for (int i = 0; i < _count; i++)
        {
            _members[i].Histograms.Dispose();
        }
    }
}

/// <summary>The hops of commands that have these labels.</summary>
/// <param name="SizeBytes">User data, rounded up to a power of two.</param>
internal sealed record HopTotal(string Tenant, byte Opcode, int SizeBytes, HopHistograms Histograms);
