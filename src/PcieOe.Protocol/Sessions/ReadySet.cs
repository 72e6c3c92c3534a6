using System.Numerics;

namespace PcieOe.Protocol.Sessions;

/// <summary>Which sessions may have something to send: a bitmap, so that a round does not ask those that have been quiet.</summary>
internal sealed class ReadySet(int capacity)
{
    private readonly ulong[] _words = new ulong[(capacity + 63) / 64];

    public void Add(int index) => _words[index >> 6] |= 1ul << index;

    public void Remove(int index) => _words[index >> 6] &= ~(1ul << index);

    /// <summary>The first member after <paramref name="index"/>, going round; -1 if there is none.</summary>
    public int NextAfter(int index)
    {
        int start = index + 1;
        int word = start >> 6;
        for (int i = 0; i <= _words.Length; i++, word++)
        {
            int at = word % _words.Length;
            ulong members = i == 0 && word < _words.Length ? _words[at] & (ulong.MaxValue << start) : _words[at];
            if (members != 0)
            {
                return (at << 6) + BitOperations.TrailingZeroCount(members);
            }
        }

        return -1;
    }
}
